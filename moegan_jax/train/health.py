"""Which seeds have diverged, and what is done about it.

All of it is in the metadata of a checkpoint, so that a resumed run knows it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import unknown
from moegan_jax.train.loop import Report

MARK, ROLLBACK = 'mark', 'rollback'  # values of `on_nan`
LOWER = 0.5  # what learning rates are multiplied by, at each rollback
# Signs of collapse: a measure, its words, 1 if more of it is a bad sign and -1
# if less is, and the limit, given its value before the game.
_SIGNS = (
  ('distinct_sentences', 'share of distinct sentences', -1, lambda x: x / 2),
  ('top_sentence', 'share of the commonest sentence', 1, lambda x: 0.1 + 2 * x),
  ('entropy', 'entropy a token', -1, lambda x: x / 2),
)


class Fault(NamedTuple):
  """The first value of a seed that is not finite; `loss` is its name."""

  step: int
  seed: int
  loss: str


def check_rule(rule: str) -> None:
  """UserError if a value of `on_nan` is unknown."""
  if rule not in (MARK, ROLLBACK):
    raise unknown('on_nan', rule, (MARK, ROLLBACK))


class Health:
  """The seeds of a run.

  lost: int [seeds], the iterations after which a seed had a last good state,
    which it keeps; -1 for a seed that is well
  rollbacks: phase -> how often the run went back within it
  """

  def __init__(self, seeds: int):
    self.lost = np.full(seeds, -1)
    self.rollbacks: dict[str, int] = {}

  def restore(self, meta: Mapping[str, Any]) -> None:
    """Takes over what a checkpoint knows; one of old knows of no faults."""
    self.lost = np.array(meta.get('lost', np.full(len(self.lost), -1)))
    self.rollbacks = dict(meta.get('rollbacks', {}))

  @property
  def meta(self) -> dict[str, Any]:
    """What a checkpoint has to keep; nothing where nothing happened."""
    found = {'lost': self.lost.tolist()} if (self.lost >= 0).any() else {}
    return found | ({'rollbacks': self.rollbacks} if self.rollbacks else {})

  @property
  def first(self) -> int:
    """The first seed that is well."""
    return int(np.argmax(self.lost < 0))

  @property
  def alive(self) -> jax.Array:
    """bool [seeds]."""
    return jnp.asarray(self.lost < 0)

  def faults(self, report: Report) -> list[Fault]:
    """One for each seed that was well before this chunk, by step and seed."""
    found: dict[int, Fault] = {}
    for loss, steps in report.bad.items():
      for seed, step in enumerate(np.asarray(steps).tolist()):
        if step >= 0 and self.lost[seed] < 0:
          fault = Fault(step, seed, loss)
          found[seed] = min(found.get(seed, fault), fault, key=_telling)
    return sorted(found.values())

  def mark(self, faults: list[Fault]) -> None:
    for fault in faults:
      self.lost[fault.seed] = fault.step

  def rate(self, phase: str) -> float:
    """What the learning rates of a phase are multiplied by."""
    return LOWER ** self.rollbacks.get(phase, 0)

  def masked(self, values: Mapping[str, Any], end: int) -> dict:
    """Arrays [..., seeds] by name, with NaN for seeds that were lost.

    Args:
      end: the step that the values belong to
    """
    lost = self._by(end)
    arrays = {k: np.asarray(v) for k, v in values.items()}
    if not lost.any():
      return arrays
    return {k: np.where(lost, np.nan, v) for k, v in arrays.items()}

  def said(self, end: int) -> str:
    """Which seeds had diverged by a step, in words; '' for none."""
    return '; '.join(
      f'seed {seed} diverged at step {self.lost[seed]}'
      for seed in np.flatnonzero(self._by(end))
    )

  def _by(self, end: int) -> np.ndarray:
    return (self.lost >= 0) & (self.lost < end)


def _telling(fault: Fault) -> tuple:
  """Of what went bad at one step, a loss says more than what follows of it."""
  return fault.step, fault.loss == 'state', 'grad' in fault.loss


def collapsing(
  before: Mapping[str, Sequence[float]], now: Mapping[str, Sequence[float]]
) -> str:
  """A warning if a game costs the generator its variety, or ''.

  Args:
    before, now: measures [seeds] before the game and now; missing ones accuse
      nobody
  """
  for key, label, side, bound in _SIGNS:
    pairs = zip(np.ravel(before.get(key, ())), np.ravel(now.get(key, ())))
    for seed, (old, new) in enumerate(pairs):
      limit = bound(old)
      if side * new > side * limit:
        where = f'seed {seed}: ' if np.size(now[key]) > 1 else ''
        return (
          f'warning: {where}{label} {new:.3f}, {old:.3f} before this phase: '
          'the generator collapses; try a higher game.beta, a positive '
          'adversarial.anchor, or fewer adversarial.steps'
        )
  return ''
