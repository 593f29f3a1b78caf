"""The best checkpoint of a run, chosen for each seed on its own."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.metrics import METRICS
from moegan_jax.store.checkpoint import Store
from moegan_jax.types import TrainState


class Best:
  """Keeps the parameters of each seed at its best value of a measure.

  Attributes:
    measure: the measure that selects.
    state: a TrainState whose seeds may come from different steps, or None.
    steps: the global step of each seed.
    values: the value of the measure of each seed.
  """

  def __init__(self, store: Store, measure: str):
    """Starts without a state.

    Args:
      store: saves the checkpoint 'best'.
      measure: a key of `METRICS` for which higher or lower is better.
    """
    self.measure = measure
    self.state: TrainState | None = None
    self.steps: list[int] = []
    self.values: list[float] = []
    self._store = store
    self._sign = -1 if METRICS[measure].better == 'higher' else 1

  def restore(self, shapes: TrainState) -> None:
    """Restores the checkpoint 'best', if there is one.

    Args:
      shapes: the shapes of a TrainState.

    Raises:
      UserError: see `Store.restore`.
    """
    saved = self._store.restore('best', shapes)
    if saved is not None:
      self.state, self.steps = saved.tree, saved.meta['steps']
      self.values = [float(v) for v in saved.meta['values']]

  def consider(self, state: TrainState, values: dict[str, np.ndarray]) -> None:
    """Keeps the seeds whose measure improved, and saves if any did.

    Args:
      state: the current TrainState.
      values: measure -> [seeds], measured of this state; NaN never improves.

    Raises:
      UserError: the measure is not among the values, or saving failed.
    """
    if self.measure not in values:
      raise UserError(
        f'eval.best={self.measure} is not measured on this corpus; choose one '
        f'of {", ".join(values)}'
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

    # Copies, since the loop donates the memory of its state.
    self.state = TrainState(
      step=jnp.copy(state.step),
      key=jnp.copy(state.key),
      players=jax.tree.map(choose, state.players, old.players),
      memory=jax.tree.map(choose, state.memory, old.memory),
    )
    self.values = [a if b else c for a, b, c in zip(now, better, before)]
    self.steps = [step if b else s for b, s in zip(better, steps)]
    meta: dict[str, Any] = {'measure': self.measure}
    meta |= {'steps': self.steps, 'values': self.values}
    self._store.save('best', step, self.state, meta, keep=1)
