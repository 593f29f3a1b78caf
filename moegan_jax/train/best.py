"""The best parameters of a run, seed by seed."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown
from moegan_jax.metrics import MEASURES, METRICS
from moegan_jax.metrics.bleu import BLEU
from moegan_jax.train.checkpoint import Store
from moegan_jax.types import TrainState

MEASURED_AT_THE_END = {k for m in MEASURES.values() for k in m.columns}
SELECTIONS = ('validation', 'test')


def measure_of(name: str, selection: str, corpus: Corpus) -> str:
  """The measure that picks the best checkpoint; 'auto' asks the corpus.

  An oracle judges by fresh samples of its own, text by the validation part,
  and without one by the training text. The test text is looked at only with
  selection='test', the practice of most papers: BLEU-4 then.

  Raises:
    UserError: no measure, one without a best value, one of the test text
      without selection='test', or one that this corpus does not have.
  """
  if selection not in SELECTIONS:
    raise unknown('eval.selection', selection, SELECTIONS)
  test = selection == 'test'
  if name == 'auto':
    if corpus.oracle is not None:
      return 'jeffreys'
    if test:
      return 'bleu4'
    return 'nll_valid' if len(corpus.valid) else 'nll_train'
  if name not in METRICS or METRICS[name].better == 'real':
    raise UserError(
      f'eval.best={name!r} is no measure that has a best value; one of '
      + ', '.join(k for k, m in METRICS.items() if m.better != 'real')
    )
  if name in BLEU.columns and not test:
    name = f'{name}_valid'
  if looks_at_test(name) and not test:
    raise UserError(
      f'eval.best={name} looks at the test text; take nll_valid, or say '
      'eval.selection=test (the table will say so, too)'
    )
  if name.startswith(('nll_train', 'nll_valid', 'nll_test')):
    there = len(getattr(corpus, name.split('_')[1])) > 0
  elif name.startswith('bleu'):
    part = corpus.valid_words if name.endswith('_valid') else corpus.test_words
    there = corpus.pad is not None and len(part) > 0
  else:
    there = corpus.oracle is not None and name not in MEASURED_AT_THE_END
  if not there:
    raise UserError(
      f'eval.best={name} is not measured on this corpus; leave it at auto'
    )
  return name


def looks_at_test(name: str) -> bool:
  """Whether a measure needs the test text of the corpus."""
  return name in BLEU.columns or (
    name.startswith('nll_test') or name == 'nll_sum'
  )


class Best:
  """Keeps, for each seed, the parameters at which a measure was best.

  state: a TrainState whose seeds may come from different steps, or None
  steps, values: of each seed
  """

  def __init__(self, store: Store, measure: str):
    self.measure = measure
    self.state: TrainState | None = None
    self.steps: list[int] = []
    self.values: list[float] = []
    self._store = store
    self._sign = -1 if METRICS[measure].better == 'higher' else 1

  def restore(self, shapes: TrainState) -> None:
    """Takes up what an earlier run of this folder has kept."""
    saved = self._store.restore('best', shapes)
    if saved is not None:
      self.state, self.steps = saved.tree, saved.meta['steps']
      self.values = [float(v) for v in saved.meta['values']]

  def consider(self, state: TrainState, values: dict[str, np.ndarray]) -> None:
    """Takes over the seeds whose measure is better than ever, and saves.

    Raises:
      UserError: the measure is not among the values.
    """
    if self.measure not in values:
      raise UserError(
        f'eval.best={self.measure} is not measured on this corpus; one of '
        + ', '.join(values)
      )
    now = [float(v) for v in values[self.measure]]
    step = int(state.step)
    old = self.state or state
    before = self.values or [self._sign * math.inf] * len(now)
    steps = self.steps or [step] * len(now)
    better = [self._sign * a < self._sign * b for a, b in zip(now, before)]
    if not any(better):
      return

    def choose(new, kept):
      mask = np.reshape(better, (-1, *[1] * (new.ndim - 1)))
      return jnp.where(mask, new, kept)

    # Copies throughout: the loop gives away the memory of its state.
    self.state = TrainState(
      step=jnp.copy(state.step),
      key=jnp.copy(state.key),
      players=jax.tree.map(choose, state.players, old.players),
      memory=jax.tree.map(choose, state.memory, old.memory),
    )
    self.values = [a if b else c for a, b, c in zip(now, better, before)]
    self.steps = [step if b else s for b, s in zip(better, steps)]
    meta = {'measure': self.measure}
    meta |= {'steps': self.steps, 'values': self.values}
    self._store.save('best', step, self.state, meta, keep=1)
