"""Exports a trained generator to files that other programs can load.

  python -m moegan_jax.export --workdir=RUN -o FOLDER

FOLDER/generator.json has the vocabulary and the codec, weights.safetensors the
weights, and program.stablehlo the sampling program for any batch size, on CPU
and CUDA. `python -m moegan_jax.sample --exported=FOLDER` samples from them.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from moegan_jax.cli import Parser, exit_code
from moegan_jax.environment import prepare
from moegan_jax.paths import check_folder, expand


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line.

  Args:
    argv: arguments without the program's name; None means those of sys.argv.

  Returns:
    The exit code: 0 done, 2 bad input.
  """
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  check_folder(args.output)
  # Imported late, so that errors of the command line appear at once.
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
  add(
    '--workdir',
    required=True,
    metavar='RUN',
    type=expand,
    help='folder of a run',
  )
  add(
    '-o',
    '--output',
    required=True,
    metavar='FOLDER',
    type=expand,
    help='folder to write',
  )
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
    help='trained seed, from 0 (%(default)s)',
  )
  return parser


if __name__ == '__main__':
  prepare()
  sys.exit(main())
