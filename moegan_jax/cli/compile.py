"""Compiles a config for an accelerator that is not present, and counts.

  moegan-jax compile --config=moegan:coco --target=h200
  moegan-jax compile --config=mle --target=v5e:2x2 --seeds=4 --json=counts.json

Prints for each phase the compile time, the memory per device, and the
operations, bytes, kernels and collectives of an iteration, with a lower bound
of its time. It needs a CPU only, and the compiler of the target: pip install
"jax[tpu]" or "jax[cuda12]".
"""

import os
import sys
from collections.abc import Sequence

from moegan_jax.accelerators import targets
from moegan_jax.accelerators.targets import Target
from moegan_jax.cli.shared import Parser, exit_code, joined
from moegan_jax.cli.train import configuration
from moegan_jax.config import override
from moegan_jax.errors import UserError, at_least
from moegan_jax.files import check_writable, jsonable, write_json
from moegan_jax.paths import expand


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 2 bad input.
  """

  def work() -> None:
    arguments = sys.argv[1:] if argv is None else list(argv)
    args, rest = parser().parse_known_args(joined(arguments, '--config'))
    if not args.target:
      raise UserError(
        '--target is missing; set it to one of ' + ', '.join(targets.names())
      )
    target = targets.target(args.target)
    config = configuration(args.config, rest)
    if args.seeds is not None:
      at_least('--seeds', args.seeds, 1)
      config = override(config, {'num_seeds': args.seeds})
    targets.check_installed(target.accelerator)
    if args.json:
      check_writable(args.json, '--json')
    # The default backend only traces. It must not search for accelerators.
    os.environ.setdefault('JAX_PLATFORMS', 'cpu')
    _run(config, target, args.json)

  return exit_code(work)


def _run(config, target: Target, path: str) -> None:
  """Compiles all phases and prints the facts about them."""
  # Importing JAX takes seconds, so errors of the command line come first.
  from moegan_jax import data
  from moegan_jax.accelerators import facts, lowering, table
  from moegan_jax.experiment.settings import check
  from moegan_jax.train import mesh

  check(config)
  devices = targets.devices(target)
  loaded = data.load(config.data)
  corpus, device = loaded.corpus, target.accelerator
  if loaded.stands_in:
    _note(f'{config.data.name} is not available; {corpus.name} replaces it')
  found = [
    facts.collect(program, device, config.precision)
    for program in lowering.programs(config, corpus, devices, _note)
  ]
  layout = mesh.layout(devices, config.num_seeds, **config.mesh)
  used = 'one device'
  if len(devices) > 1:
    used = f'{len(devices)} devices, {mesh.describe(layout)}'
  setting = {
    'system': config.system,
    'corpus': corpus.name,
    'vocab_size': corpus.vocab_size,
    'length': corpus.length,
    'train_size': len(corpus.train),
    'seeds': config.num_seeds,
    'precision': config.precision,
    'target': device.key,
    'device': device.name,
    'topology': target.topology,
    'layout': used,
  }
  if path:
    write_json(path, jsonable({**setting, 'phases': found}))
  print(
    f'{config.system} on {corpus.name}: V {corpus.vocab_size:,}, '
    f'T {corpus.length}, {len(corpus.train):,} lines; seeds '
    f'{config.num_seeds}; precision {config.precision}\n'
    f'{device.name}, topology {target.topology}: {used}\n\n'
    + table.table(found, device.launch)
  )


def _note(text: str) -> None:
  """Prints a line to standard error."""
  print(text, file=sys.stderr, flush=True)


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('compile', __doc__)
  add = parser.add_argument
  add('--config', metavar='NAME[:VARIANT]', help='as for train')
  add(
    '--target',
    metavar='DEVICE[:TOPOLOGY]',
    help=f'{", ".join(targets.names())}; v5e:2x2 (chips of a TPU) and h200:8 '
    '(GPUs) are compiled for all devices as mesh.seed and mesh.data say, the '
    'others for one device',
  )
  add('--seeds', type=int, metavar='N', help='number of seeds (num_seeds)')
  add(
    '--json',
    default='',
    metavar='FILE',
    type=expand,
    help='also write the facts to a file',
  )
  return parser
