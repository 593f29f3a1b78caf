"""Experiments that share a program, and exceptions that end a run early."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from moegan_jax.types import System


class Interrupted(Exception):
  """A signal ended the run. Its state is saved."""


class Diverged(Exception):
  """All seeds diverged. The last checkpoint holds the last finite state."""


class BatchedRuns(NamedTuple):
  """Several experiments in one program, see `sweeps.joint_training`.

  The seed axis holds all seeds of the first experiment, then those of the
  second, and so on. Each experiment is measured separately after training.

  Attributes:
    experiments: how many there are
    values: settings that differ between them: dotted key -> [experiments *
      seeds]
    system_of: (dotted key -> traced value of one seed) -> its System; None for
      a single experiment
  """

  experiments: int
  values: dict[str, jax.Array]
  system_of: Callable[[dict[str, jax.Array]], System] | None


SINGLE = BatchedRuns(1, {}, None)
