"""Health of a run: seeds that diverged, rollbacks, and warning signs.

Checkpoints store the state of `Health` in their metadata.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import unknown
from moegan_jax.train.loop import Report

MARK, ROLLBACK = 'mark', 'rollback'  # values of the setting `on_nan`
LOWER = 0.5  # factor of the learning rates at each rollback
MIN_PADS = 0.95  # least share of pads after the end of a sentence
MAX_STRETCH = 1.5  # largest factor by which the mean length may change


class _Sign(NamedTuple):
  """A sign that adversarial training harms the generator.

  Attributes:
    key: the measure.
    label: its name in the warning.
    bad: (value before adversarial training, value now) -> whether to warn.
    meaning: interpretation and remedy.
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
    'entropy', 'entropy per token', lambda old, new: new < old / 2, _COLLAPSE
  ),
  _Sign(
    'pads_after_end',
    'share of pads after the end',
    lambda old, new: new < MIN_PADS,
    'the generator writes after the end of sentences, which text measures '
    'ignore; try more mle.epochs or fewer adversarial.steps',
  ),
  _Sign(
    'mean_length',
    'words per sentence',
    lambda old, new: not old / MAX_STRETCH <= new <= old * MAX_STRETCH,
    'adversarial training changes the length of sentences; try a positive '
    'adversarial.anchor, or fewer adversarial.steps',
  ),
)


class Fault(NamedTuple):
  """The first value of a seed that is not finite.

  Attributes:
    step: the global step before the update that gave the value.
    seed: index of the seed.
    loss: name of the metric, or 'state' for parameters and optimizer states.
  """

  step: int
  seed: int
  loss: str


def check_rule(rule: str) -> None:
  """Checks a value of the setting `on_nan`.

  Raises:
    UserError: the value is unknown.
  """
  if rule not in (MARK, ROLLBACK):
    raise unknown('on_nan', rule, (MARK, ROLLBACK))


class Health:
  """The seeds of a run and what happened to them.

  Attributes:
    lost: int [seeds], the step of the last finite state of a seed that
      diverged, which the seed keeps; -1 for seeds that did not diverge.
    rollbacks: phase -> number of rollbacks.
  """

  def __init__(self, seeds: int):
    """Starts without diverged seeds.

    Args:
      seeds: number of seeds.
    """
    self.lost = np.full(seeds, -1)
    self.rollbacks: dict[str, int] = {}

  def restore(self, meta: Mapping[str, Any]) -> None:
    """Restores the metadata of a checkpoint; see `meta`."""
    self.lost = np.array(meta.get('lost', np.full(len(self.lost), -1)))
    self.rollbacks = dict(meta.get('rollbacks', {}))

  @property
  def meta(self) -> dict[str, Any]:
    """Metadata for checkpoints; {} without divergence and rollbacks."""
    found = {'lost': self.lost.tolist()} if (self.lost >= 0).any() else {}
    return found | ({'rollbacks': self.rollbacks} if self.rollbacks else {})

  @property
  def first(self) -> int:
    """Index of the first seed that has not diverged."""
    return int(np.argmax(self.lost < 0))

  @property
  def alive(self) -> jax.Array:
    """bool [seeds], False for seeds that diverged."""
    return jnp.asarray(self.lost < 0)

  def faults(self, report: Report) -> list[Fault]:
    """Returns the seeds that diverged in a chunk, at most one fault per seed.

    Args:
      report: the report of the chunk.

    Returns:
      Faults ordered by step and seed.
    """
    found: dict[int, Fault] = {}
    for loss, steps in report.bad.items():
      for seed, step in enumerate(np.asarray(steps).tolist()):
        if step >= 0 and self.lost[seed] < 0:
          fault = Fault(step, seed, loss)
          found[seed] = min(found.get(seed, fault), fault, key=_priority)
    return sorted(found.values())

  def mark(self, faults: list[Fault]) -> None:
    """Marks the seeds of faults as diverged."""
    for fault in faults:
      self.lost[fault.seed] = fault.step

  def rate(self, phase: str) -> float:
    """Returns the factor of the learning rates of a phase."""
    return LOWER ** self.rollbacks.get(phase, 0)

  def masked(self, values: Mapping[str, Any], end: int) -> dict:
    """Replaces the values of diverged seeds by NaN.

    Args:
      values: name -> [..., seeds].
      end: the global step of the values.

    Returns:
      Name -> array [..., seeds].
    """
    lost = self._by(end)
    arrays = {k: np.asarray(v) for k, v in values.items()}
    if not lost.any():
      return arrays
    return {k: np.where(lost, np.nan, v) for k, v in arrays.items()}

  def lost_by(self, step: int) -> np.ndarray:
    """Returns `lost` as it was after a step: int [seeds]."""
    return np.where(self.lost <= step, self.lost, -1)

  def said(self, end: int) -> str:
    """Describes the seeds that had diverged by a step; '' for none."""
    return '; '.join(
      f'seed {seed} diverged at step {self.lost[seed]}'
      for seed in np.flatnonzero(self._by(end))
    )

  def _by(self, end: int) -> np.ndarray:
    """Returns bool [seeds], True for seeds that diverged before a step."""
    return (self.lost >= 0) & (self.lost < end)


def _priority(fault: Fault) -> tuple:
  """Orders faults by step; at equal steps losses precede gradients and state.

  A loss that is not finite causes the others.
  """
  return fault.step, fault.loss == 'state', 'grad' in fault.loss


def warnings(
  before: Mapping[str, Sequence[float] | np.ndarray],
  now: Mapping[str, Sequence[float] | np.ndarray],
) -> list[str]:
  """Compares a generator before and during adversarial training.

  Args:
    before: measure -> [seeds] before adversarial training.
    now: measure -> [seeds] now. Missing measures and NaN give no warning.

  Returns:
    One line for each warning sign, of the first seed that shows it.
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
        break
  return found
