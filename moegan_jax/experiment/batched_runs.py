"""Several experiments in one program, and how a run can end early."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from moegan_jax.types import System


class Interrupted(Exception):
  """A signal ended the run, after saving."""


class Diverged(Exception):
  """All seeds diverged; the last checkpoint is the last finite state."""


class BatchedRuns(NamedTuple):
  """Several experiments in one program, see `sweeps.joint_training`.

  They lie along the axis of the seeds: all seeds of the first experiment, then
  all of the second, and so on. Each is measured on its own after training.

  count: number of experiments
  values: settings in which they differ: dotted key -> [count * seeds]
  system_of: values of one seed, traced -> its system
  """

  count: int
  values: dict[str, jax.Array]
  system_of: Callable[[dict[str, jax.Array]], System] | None


SINGLE = BatchedRuns(1, {}, None)
