"""Compares finished runs.

  moegan-jax compare RUN [RUN ...]

Prints one table for each corpus and protocol, with published rows where they
are comparable. Runs that differ only in their seed are combined into one row,
mean ± standard deviation. --report=FILE also writes an HTML page with figures.
"""

import sys
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.errors import unknown
from moegan_jax.files import write_text
from moegan_jax.metrics import METRICS
from moegan_jax.report import comparison, html, runs, table


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 2 bad input.
  """

  def work() -> None:
    options = parser().parse_args(argv)
    keys = [k.strip() for k in options.measures.split(',') if k.strip()]
    for key in keys:
      if key not in METRICS:
        raise unknown('--measures', key, METRICS)
    groups = runs.fold([runs.load(path) for path in options.runs])
    benches = runs.benches(groups)
    in_markdown = options.format == 'markdown'
    if keys:
      draw = table.markdown if in_markdown else table.plain
      print(comparison.chosen(benches, keys, draw), end='')
    else:
      print(
        (comparison.markdown if in_markdown else comparison.terminal)(benches),
        end='',
      )
    if options.report:
      write_text(options.report, html.comparison_page(benches))
      print(f'\nwrote {options.report}', file=sys.stderr)

  return exit_code(work)


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('compare', __doc__)
  parser.add_argument(
    'runs', nargs='+', metavar='RUN', help='folder of a finished run'
  )
  parser.add_argument(
    '--report', default='', metavar='FILE', help='write an HTML page to FILE'
  )
  parser.add_argument(
    '--format',
    choices=('table', 'markdown'),
    default='table',
    help='table: main measures in aligned columns (default); markdown: all '
    'measures with their notes',
  )
  parser.add_argument(
    '--measures',
    default='',
    metavar='A,B,...',
    help='show these measures only, in this order and without notes',
  )
  return parser
