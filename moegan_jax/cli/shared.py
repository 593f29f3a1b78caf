"""Flags, exit codes and errors that all verbs share."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence

from moegan_jax.errors import UserError

BAD_INPUT, INTERRUPTED = 2, 130  # exit codes; 0 is done
_CHANGE = re.compile(r'--config\.([\w.]+)=(.*)', re.DOTALL)


class Parser(argparse.ArgumentParser):
  """Flags of a verb, without abbreviations; a wrong flag is a `UserError`."""

  def __init__(self, verb: str = '', text: str = '', **options):
    """Starts without flags.

    Args:
      verb: of moegan-jax
      text: its help: the docstring of its module
      options: of `argparse.ArgumentParser`, which makes subcommands
    """
    own = {
      'prog': f'moegan-jax {verb}',
      'description': text,
      'formatter_class': argparse.RawDescriptionHelpFormatter,
      'allow_abbrev': False,
    }
    super().__init__(**own | options)

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


def changes_of(flags: Sequence[str]) -> dict[str, str]:
  """The settings of --config.KEY=VALUE flags, as text.

  Raises:
    UserError: another flag.
  """
  found = {}
  for flag in flags:
    change = _CHANGE.fullmatch(flag)
    if not change:
      raise UserError(
        f'command line: {flag!r} is neither a flag nor --config.KEY=VALUE; see '
        '--help'
      )
    if change[1] == 'workdir':
      raise UserError(
        'command line: --config.workdir is not a setting; did you mean '
        f'--workdir={change[2]}?'
      )
    found[change[1]] = change[2]
  return found
