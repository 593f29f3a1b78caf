"""What all our programs share: flags, and how bad input ends them."""

import argparse
import os
import pathlib
import sys
from collections.abc import Callable

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


def check_output(path: str) -> None:
  """UserError now, where writing a file would fail after minutes of work."""
  there = pathlib.Path(path)
  if there.is_dir() or not there.absolute().parent.is_dir():
    raise UserError(f'--output={path}: name a file in a folder that exists')
