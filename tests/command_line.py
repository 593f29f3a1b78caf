"""Helpers that run command lines in the process of the tests."""

import contextlib
import io
import pathlib

import moegan_jax

ROOT = pathlib.Path(moegan_jax.__file__).resolve().parents[1]


def flags(**settings):
  """Returns --config.KEY=VALUE flags; a double underscore stands for a dot."""
  return [
    f'--config.{key.replace("__", ".")}={value}'
    for key, value in settings.items()
  ]


def captured(function, *arguments):
  """Returns the result, stdout and stderr of a function."""
  out, err = io.StringIO(), io.StringIO()
  with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    result = function(*arguments)
  return result, out.getvalue(), err.getvalue()


def call(program, *argv):
  """Returns exit code, stdout and stderr of a module of `moegan_jax.cli`."""
  return captured(program.main, [str(argument) for argument in argv])


def lines(program, *argv):
  """Returns the output lines of a program, which must succeed."""
  code, out, err = call(program, *argv)
  assert code == 0, err
  return out.splitlines()


def assert_refused(program, argv, *words, silent=True):
  """Asserts that a program reports bad input in one line.

  Args:
    program: a module of `moegan_jax.cli`.
    argv: its arguments.
    *words: parts of the line.
    silent: False if the program may print before it finds the fault.

  Returns:
    The line.
  """
  code, out, err = call(program, *argv)
  assert code == 2, err
  assert not silent or not out
  assert err.count('\n') == 1, err
  (line,) = err.splitlines()
  assert line.startswith('error: ') and 'Traceback' not in line
  for word in words:
    assert word in line, f'{word!r} is not in {line!r}'
  return line
