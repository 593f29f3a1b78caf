"""What the programs of this folder have in common: their command line."""

import argparse
import os
import sys
from collections.abc import Sequence

# XLA's notes about CPU features are of no use to anybody.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import launch
from benchmarks import table
from benchmarks.timing import resident_peak
from moegan_jax.cli.shared import Parser


def parser(module: str, text: str, config: str) -> argparse.ArgumentParser:
  """A parser of the flags that all programs have.

  Args:
    module: NAME of `python -m benchmarks.NAME`
    config: the experiment by default
  """
  made = Parser(
    prog=f'python -m benchmarks.{module}',
    description=text,
    epilog='--config.KEY=VALUE changes a setting, as in launch.py.',
  )
  made.add_argument(
    '--config', default=config, help=f'experiment (default: {config})'
  )
  made.add_argument(
    '--repeats', type=positive, default=5, help='timed calls (default: 5)'
  )
  made.add_argument(
    '--json',
    action='store_true',
    help='a list of records on stdout; the table goes to stderr',
  )
  return made


def positive(text: str) -> int:
  """A flag's value that is a whole number from 1."""
  value = int(text)
  if value < 1:
    raise argparse.ArgumentTypeError(f'{text} must be at least 1')
  return value


def parse(made: argparse.ArgumentParser, argv: Sequence[str] | None):
  """The flags, and the configuration that launch.py would train.

  Raises:
    UserError: a flag, a config file or a setting that is wrong.
  """
  args, rest = made.parse_known_args(argv)
  config, *_ = launch.parse(['', f'--config={args.config}', *rest])
  return args, config


def note(text: str) -> None:
  """A line for whoever waits; stdout is for results."""
  print(text, file=sys.stderr, flush=True)


def show(
  rows: Sequence[table.Row],
  setting: str,
  as_json: bool,
  best: float | None = None,
) -> None:
  """Prints the result, with a last row for the memory of the process."""
  whole = table.Row('process, peak memory', peak_bytes=resident_peak())
  rows = [*rows, whole]
  head = f'{setting}\n'
  if best:
    rate = table.number(best)
    head += f'best rate of products of these sizes: {rate} GFLOP/s\n'
  page = f'{head}\n{table.markdown(rows, best)}'
  if as_json:
    note(page)
    print(table.records(rows, setting, best))
  else:
    print(page)
