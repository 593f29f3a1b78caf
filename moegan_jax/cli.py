"""What all our programs share: flags, and how bad input ends them."""

import argparse
import os
import pathlib
import re
import sys
from collections.abc import Callable, Sequence

from moegan_jax.errors import UserError

BAD_INPUT, INTERRUPTED = 2, 130  # exit codes; 0 is done


class Parser(argparse.ArgumentParser):
  """Flags that must be spelt out; a wrong one is a `UserError`.

  argparse itself would print the usage and leave the process.
  """

  def __init__(self, *args, allow_abbrev: bool = False, **options):
    super().__init__(*args, allow_abbrev=allow_abbrev, **options)

  def error(self, message: str):
    raise UserError(f'command line: {message}; see --help')


def exit_code(work: Callable[[], int | None], interrupted: str = '') -> int:
  """Does the work of a program; how it ended, as an exit code.

  Args:
    work: gives an exit code, or None for 0
    interrupted: what to say on Ctrl-C

  Returns:
    That of `work`; 2 for bad input, which is said in one line; 130 if a person
    interrupted it. A reader that closes the pipe, as `head` does, has had
    enough: 0.
  """
  try:
    code = work() or 0
    sys.stdout.flush()  # here, where a closed pipe can be caught
    return code
  except UserError as error:
    print(f'error: {one_line(str(error))}', file=sys.stderr)
    return BAD_INPUT
  except BrokenPipeError:
    # What is still buffered must not fail again when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
  except KeyboardInterrupt:
    if interrupted:
      print(interrupted, file=sys.stderr)
    return INTERRUPTED


def one_line(text: str) -> str:
  """Text that quotes anybody's file or flag, without what breaks a line."""
  return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())


def joined(argv: Sequence[str], flag: str) -> list[str]:
  """The command line with `FLAG VALUE` as `FLAG=VALUE`."""
  argv = list(argv)
  for i in reversed(range(1, len(argv) - 1)):
    if argv[i] == flag:
      argv[i : i + 2] = [f'{flag}={argv[i + 1]}']
  return argv


def wrong_flag(error: Exception, argv: Sequence[str]) -> str:
  """What absl and ml_collections say of a flag, in words.

  Args:
    error: raised while the command line was read
    argv: the command line
  """
  cause = error.args[0] if error.args else ''
  said = ' '.join(str(cause).split()) or type(error).__name__
  if not isinstance(cause, KeyError):
    return said
  # They name but the part of the key that is missing.
  missing, _, hint = str(cause.args[0]).partition('\n')
  keys = [re.match(r'--config\.([\w.]+)', flag) for flag in argv]
  keys = [key[1] for key in keys if key]
  key = next((k for k in keys if missing.strip("'") in k.split('.')), missing)
  if key == 'workdir':
    hint = 'did you mean --workdir=FOLDER?'
  hint = hint or 'configs/common.py has all settings'
  return f'there is no setting --config.{key}; {hint}'


def check_output(path: str) -> None:
  """UserError now, where writing a file would fail after minutes of work."""
  there = pathlib.Path(path)
  if there.is_dir() or not there.absolute().parent.is_dir():
    raise UserError(f'--output={path}: name a file in a folder that exists')
