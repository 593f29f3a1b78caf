"""Stages: the phases of a run with their first and last steps."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from moegan_jax.types import Phase, Role


class Stage(NamedTuple):
  """A phase within a run.

  Attributes:
    name: name of the phase.
    role, label: see `Phase`.
    start: the global step before the first update of the phase.
    end: the global step after its last update.
  """

  name: str
  role: Role
  label: str
  start: int
  end: int

  @property
  def trains_generator(self) -> bool:
    """Whether the phase changes the generator."""
    return self.role != Role.DISCRIMINATOR


def stages(phases: Mapping[str, Phase]) -> tuple[Stage, ...]:
  """Computes the first and last steps of phases.

  Args:
    phases: name -> Phase, in the order of training.
  """
  found, step = [], 0
  for name, phase in phases.items():
    end = step + phase.steps
    found.append(Stage(name, phase.role, phase.label, step, end))
    step = end
  return tuple(found)


def start_of(found: Sequence[Stage]) -> Stage:
  """Returns the stage at whose end the generator is the likelihood baseline.

  This is the last likelihood stage before the first adversarial stage, or the
  first stage if there is no likelihood stage.

  Args:
    found: the stages of a run in order.
  """
  start = found[0]
  for stage in found:
    if stage.role == Role.ADVERSARIAL:
      break
    if stage.role == Role.LIKELIHOOD:
      start = stage
  return start


def row_key(stage: Stage, found: Sequence[Stage]) -> str:
  """Returns the key of the row of a stage.

  Args:
    stage: one of the stages.
    found: the stages of a run in order.

  Returns:
    'start' for the likelihood baseline, 'last' for the last stage, otherwise
    the name of the phase.
  """
  if stage == start_of(found):
    return 'start'
  return 'last' if stage == found[-1] else stage.name
