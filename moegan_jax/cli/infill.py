"""Fills in the blanks of texts with a trained generator.

  moegan-jax infill --workdir=RUN "a man ___ a horse on ___"

`___` stands for one or more tokens, `_3_` for exactly three. Writes -n texts
for each template, one per line, to standard output, and messages to standard
error. Text i depends on the seed, the template and i only.

The texts are distributed as those of the generator that match the template. The
approximation is exact as --candidates grows.

Exit codes: 0 done; 2 bad input.
"""

import argparse
import sys
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, add_checkpoint, exit_code
from moegan_jax.errors import UserError

FEW = 10  # effective candidates below which a note is printed


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code, see the docstring of the module.
  """
  return exit_code(lambda: _run(parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  for name in ('n', 'candidates', 'batch'):
    value = getattr(args, name)
    if value < 1:
      flag = '-n' if name == 'n' else f'--{name}'
      raise UserError(f'{flag} {value}: must be at least 1')
  # Importing JAX takes seconds, so errors of the command line come first.
  from moegan_jax import trained
  from moegan_jax.experiment import compilation

  compilation.use_cache()
  run = trained.load(args.workdir, args.checkpoint, args.member, args.batch)
  fill = run.infiller.fill
  print(
    f'{args.workdir}, step {run.step}, member {args.member}', file=sys.stderr
  )
  for template in args.template:
    least = float('inf')
    for filled in fill(
      template, args.n, args.seed, args.temperature, args.candidates
    ):
      print(filled.text)
      least = min(least, filled.effective)
    if least < FEW:
      print(
        f'{template!r}: as few as {least:.1f} of {args.candidates:,} '
        'candidates count; raise --candidates for better texts',
        file=sys.stderr,
      )


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('infill', __doc__)
  add = parser.add_argument
  add('template', nargs='+', help='text with blanks')
  add_checkpoint(parser)
  add('-n', type=int, default=1, help='texts per template (%(default)s)')
  add('--seed', type=int, default=0, help='sampling seed (%(default)s)')
  add(
    '--temperature',
    type=float,
    default=1.0,
    help='divides the logits (%(default)s)',
  )
  add(
    '--candidates',
    type=int,
    default=1000,
    metavar='M',
    help='candidates for each text (%(default)s)',
  )
  add(
    '--batch',
    type=int,
    default=256,
    help='candidates drawn at once, which affects memory (%(default)s)',
  )
  return parser
