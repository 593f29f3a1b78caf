"""Evaluation metrics against n: python -m benchmarks.metrics --help."""

import functools
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

from benchmarks import cases, command
from benchmarks.table import Row
from benchmarks.timing import timed
from moegan_jax import data
from moegan_jax.cli.shared import exit_code
from moegan_jax.data.corpus import Corpus
from moegan_jax.environment import guard_output
from moegan_jax.errors import UserError
from moegan_jax.experiment.settings import check
from moegan_jax.metrics import MEASURES, Texts
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.train import loop

SIZES = (1000, 2000, 5000, 10_000)


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, given without the program's name."""
  return exit_code(lambda: _run(argv))


def _sizes(text: str) -> tuple[int, ...]:
  return tuple(command.positive(size) for size in text.split(','))


def _run(argv: Sequence[str] | None) -> None:
  made = command.parser(
    'metrics',
    'Measures time and memory of each metric on n samples with n references '
    'and n training sentences, all of them real text.',
    'configs/moegan.py:captions,cpu',
  )
  made.add_argument(
    '--sizes',
    type=_sizes,
    default=SIZES,
    metavar='N,N,...',
    help=f'n (default: {",".join(map(str, SIZES))})',
  )
  args, config = command.parse(made, argv)
  most = max(args.sizes)
  # Synthetic corpora must be large enough, and no corpus may be limited.
  sizes = {'train_size': 2 * most, 'test_size': most, 'limit': 0}
  config.data.update({k: v for k, v in sizes.items() if k in config.data})
  check(config)
  corpus = data.load(config.data).corpus
  found = min(len(corpus.train_words) // 2, len(corpus.test_words))
  if found < most:
    raise UserError(
      f'--sizes: {corpus.name} has text for n up to {found}; choose '
      'smaller sizes, or the captions, which are synthetic'
    )
  case = cases.build(config, corpus.vocab_size, corpus.train, corpus.pad)
  of_models = _of_models(case, corpus)
  rows = []
  for n in args.sizes:
    for name, call in [*_of_text(corpus, n), *of_models(n)]:
      command.note(f'{name}, n = {n} ...')
      rows.append(_measure(f'{name}, n {n}', call, args.repeats))
  command.show(rows, f'{corpus.name}: {cases.setting(case)}', args.json)


def _of_text(corpus: Corpus, n: int) -> Iterator[tuple[str, Callable]]:
  """Yields the metrics of text that need no language model."""
  train = corpus.train_words
  texts = Texts(train[:n], corpus.test_words[:n], train[n : 2 * n])
  for name, measure in MEASURES.items():
    if measure.fits(texts):
      yield name, functools.partial(measure.of, texts)


def _of_models(case: cases.Case, corpus: Corpus) -> Callable:
  """Returns a function from n to the metrics of a generator or an oracle.

  The generator is untrained.
  """
  init, seed = case.system.init, case.config.seed
  state = select_seed(loop.init_seeds(init, seed, 1), 0)
  evaluator = Evaluator(case.system, corpus, case.config.eval.chunk)

  def measures(n: int) -> Iterator[tuple[str, Callable]]:
    samples, test = corpus.train[:n], corpus.test[:n]
    yield 'nll', functools.partial(evaluator.nll, state, test)
    if corpus.oracle is not None:
      yield (
        'divergences',
        functools.partial(evaluator.divergences, state, samples, test),
      )

  return measures


def _measure(name: str, call: Callable, repeats: int) -> Row:
  """Measures one metric.

  A first call imports and compiles, a second one records memory, and further
  calls are timed, because recording is slow. The memory is what Python and
  NumPy allocate beyond the texts, without arrays on a device.
  """
  call()
  tracemalloc.start()
  try:
    call()
    peak = tracemalloc.get_traced_memory()[1]
  finally:
    tracemalloc.stop()
  return Row(name, timed(call, repeats), peak_bytes=peak)


if __name__ == '__main__':
  guard_output()
  sys.exit(main())
