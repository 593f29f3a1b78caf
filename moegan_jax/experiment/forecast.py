"""Predicts the durations of the phases of a run."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from moegan_jax.experiment.progress import format_duration
from moegan_jax.scoring.evaluation import select_seed
from moegan_jax.train.operation_count import flops
from moegan_jax.types import Batch, Phase, TrainState

LONG = 3 * 3600.0  # seconds after which a CPU run gets a hint


def operations(
  phase: Phase, shapes: TrainState, length: int, seeds: int
) -> float:
  """Counts the floating-point operations of an iteration, over all seeds.

  Args:
    phase: the phase of the iteration
    shapes: shapes of the state of all seeds
    length: T
    seeds: number of seeds
  """
  one = jax.eval_shape(lambda s: select_seed(s, 0), shapes)
  shape = (phase.update.batches, phase.batch_size, length)
  tokens = jax.ShapeDtypeStruct(shape, jnp.int32)
  return seeds * flops(
    lambda s, t: phase.update.apply(s, Batch(t), s.key), one, tokens
  )


def forecast(
  phases: Mapping[str, Phase],
  name: str,
  seconds: float,
  left: int,
  shapes: TrainState,
  length: int,
  seeds: int,
) -> list[str]:
  """Predicts the durations of later phases.

  Args:
    phases: name -> Phase, in the order of training
    name: the present phase
    seconds: measured duration of an iteration of the present phase
    left: iterations of the present phase that remain
    shapes: see `operations`
    length: see `operations`
    seeds: see `operations`

  Returns:
    One line per later phase, and a hint if the run takes long on a CPU.

  The time of an iteration is taken to be proportional to its number of
  operations.
  """
  names = list(phases)
  later = names[names.index(name) + 1 :]
  total, lines = seconds * left, []
  if later:
    per_operation = seconds / operations(phases[name], shapes, length, seeds)
  for other in later:
    phase = phases[other]
    each = per_operation * operations(phase, shapes, length, seeds)
    total += each * phase.steps
    lines.append(
      f'{other}: about {each:.3g} s per iteration (from operation counts), '
      f'{format_duration(each * phase.steps)} in all'
    )
  if total > LONG and jax.default_backend() == 'cpu':
    lines.append(
      f'this scale takes {format_duration(total)} on this CPU; the run '
      'continues, but the variant cpu of its config takes about ten minutes'
    )
  return lines
