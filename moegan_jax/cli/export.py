"""Exports a trained generator to files that other programs can load.

  moegan-jax export --workdir=RUN -o FOLDER

Writes three files. FOLDER/generator.json has the vocabulary and the codec,
weights.safetensors the weights, and program.stablehlo the sampling program for
any batch size, on CPU and CUDA. `moegan-jax sample --exported=FOLDER` samples
from them.
"""

import argparse
import pathlib
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, add_checkpoint, exit_code
from moegan_jax.paths import check_folder, expand


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 2 bad input.
  """
  return exit_code(lambda: _run(parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  check_folder(args.output)
  # Importing JAX takes seconds, so errors of the command line come first.
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


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('export', __doc__)
  add_checkpoint(parser)
  parser.add_argument(
    '-o',
    '--output',
    required=True,
    metavar='FOLDER',
    type=expand,
    help='folder to write',
  )
  return parser
