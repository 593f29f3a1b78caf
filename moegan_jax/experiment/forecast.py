"""Predicts the durations of the phases of a run."""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from moegan_jax.experiment.progress import format_duration
from moegan_jax.scoring.evaluation import select_seed
from moegan_jax.train.batches import batch_of
from moegan_jax.train.operation_count import flops
from moegan_jax.types import Phase, TrainState

LONG = 3 * 3600.0  # seconds after which a CPU run gets a hint


def operations(phase: Phase, shapes: TrainState, length: int) -> float:
  """Counts the operations of an iteration of a phase, for one seed.

  Args:
    phase: the phase
    shapes: shapes of the state of all seeds
    length: T

  Returns:
    Floating-point operations of matrix products; see `operation_count.flops`.
  """
  one = jax.eval_shape(lambda s: select_seed(s, 0), shapes)
  columns = length + phase.labelled
  shape = (phase.update.batches, phase.batch_size, columns)
  rows = jax.ShapeDtypeStruct(shape, jnp.int32)

  def update(state, rows):
    return phase.update.apply(state, batch_of(rows, phase.labelled), state.key)

  return flops(update, one, rows)


class Forecast:
  """Predicts durations from the operations of an iteration of each phase."""

  def __init__(
    self, phases: Mapping[str, Phase], shapes: TrainState, length: int
  ):
    """Stores what the counts depend on.

    Args:
      phases: name -> Phase, in the order of training
      shapes: shapes of the state of all seeds
      length: T
    """
    self._phases, self._shapes, self._length = phases, shapes, length
    # A count traces the phase, which takes seconds.
    self._operations = functools.cache(self._count)

  def _count(self, name: str) -> float:
    return operations(self._phases[name], self._shapes, self._length)

  def lines(self, name: str, seconds: float, left: int) -> list[str]:
    """Predicts the durations of later phases.

    The time of an iteration is taken to be proportional to its number of
    operations.

    Args:
      name: the present phase
      seconds: measured duration of an iteration of the present phase
      left: iterations of the present phase that remain

    Returns:
      One line per later phase, and a hint if the run takes long on a CPU.
    """
    names = list(self._phases)
    later = names[names.index(name) + 1 :]
    total, lines = seconds * left, []
    for other in later:
      each = seconds * self._operations(other) / self._operations(name)
      total += each * self._phases[other].steps
      lines.append(
        f'{other}: about {each:.3g} s per iteration (from operation counts), '
        f'{format_duration(each * self._phases[other].steps)} in all'
      )
    if total > LONG and jax.default_backend() == 'cpu':
      lines.append(
        f'this scale takes {format_duration(total)} on this CPU; the run '
        'continues, but the variant cpu of its config takes about ten minutes'
      )
    return lines
