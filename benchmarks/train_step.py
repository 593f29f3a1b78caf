"""Time and memory of training steps: python -m benchmarks.train_step --help."""

import sys
from collections.abc import Sequence

from benchmarks import cases, command, flops
from benchmarks.timing import empty_cache, largest, product_rate
from moegan_jax import data
from moegan_jax.cli.shared import exit_code
from moegan_jax.environment import guard_output
from moegan_jax.experiment.settings import check


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, given without the program's name."""
  return exit_code(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> None:
  made = command.parser(
    'train_step',
    'Times an MLE step, a step of each player, a whole iteration and '
    'sampling. Reports the rate of their matrix products, also as a share of '
    'the best rate for products of the same sizes.',
    'configs/moegan_coco.py:cpu',
  )
  made.add_argument(
    '--samples',
    type=command.positive,
    default=10_000,
    help='number of samples (default: 10,000)',
  )
  made.add_argument(
    '--no_warm',
    action='store_true',
    help='skip the second compilation, from the cache on disk',
  )
  args, config = command.parse(made, argv)
  check(config)
  loaded = data.load(config.data)
  corpus = loaded.corpus
  if loaded.stands_in:
    command.note(f'{loaded.stands_in}; {corpus.name} stands in')
  case = cases.build(config, corpus.vocab_size, corpus.train, corpus.pad)
  warm = not args.no_warm
  if missing := flops.uncovered(config):
    command.note(missing)

  best = 0.0
  for product in largest(cases.all_products(case, args.samples)):
    rate = product_rate(product)
    best = max(best, rate)
    command.note(
      f'[{product.m}, {product.k}] x [{product.k}, {product.n}]: '
      f'{rate:,.0f} GFLOP/s'
    )
  rows = []
  with empty_cache():
    for piece in cases.pieces(case):
      command.note(f'{piece.name} ...')
      rows.append(cases.measure(case, piece, args.repeats, warm))
    command.note('sampling ...')
    rows.append(
      cases.measure_sampling(case, corpus, args.samples, args.repeats, warm)
    )
  command.show(rows, f'{corpus.name}: {cases.setting(case)}', args.json, best)


if __name__ == '__main__':
  guard_output()
  sys.exit(main())
