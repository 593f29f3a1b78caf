"""The command line that all benchmark programs share."""

import argparse
import os
import sys
from collections.abc import Sequence

# Hides XLA's messages about CPU features.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from benchmarks import table
from benchmarks.timing import resident_peak
from moegan_jax.cli import train
from moegan_jax.cli.shared import Parser


def parser(module: str, text: str, config: str) -> argparse.ArgumentParser:
  """Returns a parser with the flags that all programs share.

  Args:
    module: NAME in `python -m benchmarks.NAME`
    text: description of the program
    config: default experiment
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
    help='print JSON records to stdout and the table to stderr',
  )
  return made


def positive(text: str) -> int:
  """Parses a flag that must be a whole number of at least 1."""
  value = int(text)
  if value < 1:
    raise argparse.ArgumentTypeError(f'{text} must be at least 1')
  return value


def parse(made: argparse.ArgumentParser, argv: Sequence[str] | None):
  """Parses the flags and the configuration, as moegan-jax train does.

  Returns:
    The flags, and the configuration that moegan-jax train would use.

  Raises:
    UserError: an invalid flag, config file or setting.
  """
  args, rest = made.parse_known_args(argv)
  config = train.configuration(args.config, rest)
  return args, config


def note(text: str) -> None:
  """Prints a progress line to stderr, because stdout is for results."""
  print(text, file=sys.stderr, flush=True)


def show(
  rows: Sequence[table.Row],
  setting: str,
  as_json: bool,
  best: float | None = None,
) -> None:
  """Prints the table or the records, with a last row for the process.

  Args:
    rows: the measurements
    setting: one line with the settings they depend on
    as_json: whether to print records to stdout and the table to stderr
    best: best rate of matrix products in GFLOP/s, if it was measured
  """
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
