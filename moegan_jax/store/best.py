"""The best parameters of a run, seed by seed."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.metrics import METRICS
from moegan_jax.store.checkpoint import Store
from moegan_jax.types import TrainState


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
