"""Which seeds have diverged, and what is done about it.

All of it is in the metadata of a checkpoint, so that a resumed run knows it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import unknown
from moegan_jax.train.loop import Report

MARK, ROLLBACK = 'mark', 'rollback'  # values of `on_nan`
LOWER = 0.5  # what learning rates are multiplied by, at each rollback
MIN_PADS = 0.95  # share of pads after the end of a sentence
MAX_STRETCH = 1.5  # factor by which the mean length may change


class _Sign(NamedTuple):
  """A measure that shows what a game does to the generator.

  key, label: the measure and its words
  bad: (value before the game, value now) -> whether to warn
  meaning: what the value says, and what to try
  """

  key: str
  label: str
  bad: Callable[[float, float], bool]
  meaning: str


_COLLAPSE = (
  'the generator collapses; try a higher game.beta, a positive '
  'adversarial.anchor, or fewer adversarial.steps'
)
_SIGNS = (
  _Sign(
    'distinct_sentences',
    'share of distinct sentences',
    lambda old, new: new < old / 2,
    _COLLAPSE,
  ),
  _Sign(
    'top_sentence',
    'share of the commonest sentence',
    lambda old, new: new > 0.1 + 2 * old,
    _COLLAPSE,
  ),
  _Sign(
    'entropy', 'entropy a token', lambda old, new: new < old / 2, _COLLAPSE
  ),
  _Sign(
    'pads_after_end',
    'share of pads after the end',
    lambda old, new: new < MIN_PADS,
    'the generator resumes writing after the end of its sentences, where no '
    'measure of text looks but the discriminator does; try '
    'generator.end_input=zero or game.end=absorbing',
  ),
  _Sign(
    'mean_length',
    'words in a sentence',
    lambda old, new: not old / MAX_STRETCH <= new <= old * MAX_STRETCH,
    'the game changes the length of sentences; try a positive '
    'adversarial.anchor, or fewer adversarial.steps',
  ),
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

  def lost_by(self, step: int) -> np.ndarray:
    """`lost` as it was after this step: int [seeds]."""
    return np.where(self.lost <= step, self.lost, -1)

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


def warnings(
  before: Mapping[str, Sequence[float]], now: Mapping[str, Sequence[float]]
) -> list[str]:
  """What a game does to the generator that a user should know, a line each.

  Args:
    before, now: measures [seeds] before the game and now; a measure that is
      missing, or NaN, gives no warning
  """
  found = []
  for sign in _SIGNS:
    old, new = (np.ravel(m.get(sign.key, ())) for m in (before, now))
    for seed, pair in enumerate(zip(old, new)):
      if np.isfinite(pair).all() and sign.bad(*pair):
        where = f'seed {seed}: ' if new.size > 1 else ''
        found.append(
          f'warning: {where}{sign.label} {pair[1]:.3f}, {pair[0]:.3f} before '
          f'this phase: {sign.meaning}'
        )
        break  # one seed says it for all
  return found
