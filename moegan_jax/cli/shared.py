"""Flags, exit codes and error handling of all commands."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from moegan_jax.config import Text
from moegan_jax.errors import UserError
from moegan_jax.paths import expand

BAD_INPUT, INTERRUPTED = 2, 130  # exit codes
_CHANGE = re.compile(r'--config\.([\w.]+)=(.*)', re.DOTALL)


class Parser(argparse.ArgumentParser):
  """An argument parser that raises `UserError` and refuses abbreviations."""

  def __init__(self, verb: str = '', text: str = '', **options):
    """Creates a parser without flags.

    Args:
      verb: the verb after `moegan-jax`.
      text: the help, usually the docstring of the module.
      **options: options of `argparse.ArgumentParser`. It also passes them to
        the parsers of subcommands.
    """
    defaults: dict[str, Any] = {
      'prog': f'moegan-jax {verb}',
      'description': text,
      'formatter_class': argparse.RawDescriptionHelpFormatter,
      'allow_abbrev': False,
    }
    super().__init__(**defaults | options)

  def error(self, message: str):
    """Raises a UserError, where `argparse` would exit."""
    raise UserError(f'command line: {message}; see --help')


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
  """Adds the flags that select a checkpoint and a seed of a run."""
  parser.add_argument(
    '--workdir',
    required=True,
    metavar='RUN',
    type=expand,
    help='folder of a run',
  )
  parser.add_argument(
    '--checkpoint',
    default='last',
    metavar='last|best|STEP',
    help='checkpoint of the run (%(default)s)',
  )
  parser.add_argument(
    '--member',
    type=int,
    default=0,
    metavar='I',
    help='index of the trained seed, from 0 (%(default)s)',
  )


def add_texts(parser: argparse.ArgumentParser, needed_by: str) -> None:
  """Adds the flag --texts, which names the texts of a run after they moved.

  Args:
    parser: of a verb that reads the texts of a run.
    needed_by: the flag that makes the verb read them.
  """
  parser.add_argument(
    '--texts',
    default='',
    metavar='PLACE',
    type=expand,
    help=f'folder or file that has the texts of the run now, for {needed_by} '
    '(default: their paths at training)',
  )


def check_texts(args: argparse.Namespace, needed_by: str, given: bool) -> None:
  """Checks that --texts is used; see `add_texts`.

  Raises:
    UserError: --texts is given without the flag that needs it.
  """
  if args.texts and not given:
    raise UserError(f'--texts has no effect without {needed_by}; leave it out')


def exit_code(work: Callable[[], int | None], interrupted: str = '') -> int:
  """Runs a program and returns its exit code.

  Args:
    work: the program; it returns an exit code, or None for 0.
    interrupted: line to print on Ctrl-C, '' for none.

  Returns:
    The exit code of `work`; 2 after a UserError, whose message is printed in
    one line; 130 after Ctrl-C; 0 if the reader of a pipe that --output names
    closes it. `environment.StandardOutput` handles faults of standard output.
  """
  try:
    code = work() or 0
    # A full device must fail here and not when Python exits.
    sys.stdout.flush()
    return code
  except UserError as error:
    print(f'error: {one_line(str(error))}', file=sys.stderr)
    return BAD_INPUT
  except BrokenPipeError:
    return 0
  except KeyboardInterrupt:
    if interrupted:
      print(interrupted, file=sys.stderr)
    return INTERRUPTED


def one_line(text: str) -> str:
  """Replaces line breaks and control characters by blanks.

  Names of files in messages may contain them.
  """
  return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())


def joined(argv: Sequence[str], flag: str) -> list[str]:
  """Rewrites `FLAG VALUE` as `FLAG=VALUE` in a command line.

  Args:
    argv: the command line.
    flag: the flag.

  Returns:
    The new command line.
  """
  argv = list(argv)
  for i in reversed(range(1, len(argv) - 1)):
    if argv[i] == flag:
      argv[i : i + 2] = [f'{flag}={argv[i + 1]}']
  return argv


def changes_of(flags: Sequence[str]) -> dict[str, Text]:
  """Parses --config.KEY=VALUE flags.

  Args:
    flags: the flags that no parser knows.

  Returns:
    KEY -> VALUE as `Text`.

  Raises:
    UserError: a flag has another form.
  """
  changes = {}
  for flag in flags:
    change = _CHANGE.fullmatch(flag)
    if not change:
      raise UserError(
        f'command line: {flag!r} is neither a flag nor --config.KEY=VALUE; '
        f'{_remedy(flag)}'
      )
    if change[1] == 'workdir':
      raise UserError(
        'command line: --config.workdir is not a setting; did you mean '
        f'--workdir={change[2]}?'
      )
    changes[change[1]] = Text(change[2])
  return changes


def _remedy(flag: str) -> str:
  """Returns the advice for a flag that `changes_of` does not accept."""
  name, equals, _ = flag.partition('=')
  if name.startswith('--config.') and not equals:
    return f'write {flag}=VALUE'
  if re.fullmatch(r'--\w+(\.\w+)+', name):
    return f'did you mean --config.{flag[2:]}?'
  return 'see --help'
