"""The phases of a run in order, with their first and last step."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from moegan_jax.types import Phase, Role


class Stage(NamedTuple):
  """A phase within a run.

  name: of the phase
  role, label: see `Phase`
  start, end: the steps of the run before its first and after its last update
  """

  name: str
  role: Role
  label: str
  start: int
  end: int

  @property
  def trains_generator(self) -> bool:
    """Whether samples differ after the phase."""
    return self.role != Role.DISCRIMINATOR


def stages(phases: Mapping[str, Phase]) -> tuple[Stage, ...]:
  """The stages of phases that follow each other."""
  found, step = [], 0
  for name, phase in phases.items():
    end = step + phase.steps
    found.append(Stage(name, phase.role, phase.label, step, end))
    step = end
  return tuple(found)


def start_of(found: Sequence[Stage]) -> Stage:
  """The stage after which adversarial training starts: the baseline.

  It is the last likelihood stage before the first adversarial one; of a system
  without one, its first stage.
  """
  start = found[0]
  for stage in found:
    if stage.role == Role.ADVERSARIAL:
      break
    if stage.role == Role.LIKELIHOOD:
      start = stage
  return start


def row_key(stage: Stage, found: Sequence[Stage]) -> str:
  """The key of a stage's row: 'start', 'last', or the name of its phase."""
  if stage == start_of(found):
    return 'start'
  return 'last' if stage == found[-1] else stage.name
