"""Writes a trained generator as files that need none of our code.

  python -m moegan_jax.export --workdir=RUN -o FOLDER

FOLDER/generator.json has the vocabulary and the codec, weights.safetensors the
weights, program.stablehlo the sampling program for any batch size, on CPU and
CUDA. `python -m moegan_jax.sample --exported=FOLDER` samples from them.
"""

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, exit_code


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, sys.argv by default; 0 done, 2 bad input."""
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  # Imported late: a wrong flag should not have to wait for JAX.
  from moegan_jax import exported, trained

  run = trained.load(args.workdir, args.checkpoint, args.member)
  origin = {'run': pathlib.Path(args.workdir).resolve().name}
  origin |= {'checkpoint': args.checkpoint, 'member': args.member}
  exported.write(args.output, run, origin)
  size = sum(p.stat().st_size for p in pathlib.Path(args.output).iterdir())
  print(
    f'step {run.step} of {args.workdir}, member {args.member}: '
    f'{args.output}, {size / 1e6:.1f} MB'
  )


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.export',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  add = parser.add_argument
  add('--workdir', required=True, metavar='RUN', help='folder of a run')
  add('-o', '--output', required=True, metavar='FOLDER', help='what to write')
  add(
    '--checkpoint',
    default='last',
    metavar='last|best|STEP',
    help='of the run (%(default)s)',
  )
  add(
    '--member',
    type=int,
    default=0,
    metavar='I',
    help='of a run of several seeds (%(default)s)',
  )
  return parser


if __name__ == '__main__':
  # XLA's notes about CPU features are of no use to anybody.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  sys.exit(main())
