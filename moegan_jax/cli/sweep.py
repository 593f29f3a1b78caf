"""Runs a grid of experiments over seeds and reports them together.

  moegan-jax sweep --grid=moegan_ablation:small

The grid is one of the package (see moegan-jax train --list) or the path of a
grid file. --config.KEY=VALUE changes a setting of all cells; a cell that sets
the key overrides it. The same command resumes a sweep.
"""

import sys
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, changes_of, exit_code
from moegan_jax.sweeps import app


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 1 a cell diverged, 2 bad input, 130 interrupted.
  """

  def work() -> int:
    arguments = sys.argv[1:] if argv is None else list(argv)
    options, rest = parser().parse_known_args(arguments)
    sweep = app.sweep_of(
      options.grid,
      settings=changes_of(rest),
      workdir=options.workdir,
      only=options.only,
      seeds=options.seeds,
      members=options.members,
    )
    if options.list:
      print(app.listing(sweep), end='')
      return 0
    return app.run(sweep)

  return exit_code(work, 'interrupted; the same command resumes the sweep')


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('sweep', __doc__)
  add = parser.add_argument
  add(
    '--grid',
    required=True,
    metavar='NAME[:VARIANT]',
    help='grid of the package, or path of a grid file',
  )
  add(
    '--workdir',
    default='',
    metavar='FOLDER',
    help='folder of the sweep (default: runs/NAME-VARIANT)',
  )
  add(
    '--only',
    default='',
    metavar='CELL[,CELL]',
    help='run these cells only; the report has all cells with results',
  )
  add(
    '--members',
    type=int,
    metavar='N',
    help='largest number of cells times seeds in one program (default: the '
    'value of the grid, or 16)',
  )
  add(
    '--seeds',
    type=int,
    metavar='N',
    help='seeds of each cell (default: the value of the grid)',
  )
  add('--list', action='store_true', help='print the plan and stop')
  return parser
