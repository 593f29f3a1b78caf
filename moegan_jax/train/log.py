"""Means of training metrics over windows of a fixed number of iterations."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from moegan_jax.types import Array


class Log:
  """Averages the metrics of iterations over windows.

  A window ends after every `every` iterations of a phase and at the end of the
  phase. It does not depend on the lengths of chunks, which depend on the clock.
  A resumed run that restores `pending` records the same means as an unbroken
  run.
  """

  def __init__(self, every: int):
    """Starts without metrics.

    Args:
      every: iterations in a window.
    """
    self._every = every
    self._window: list[dict[str, np.ndarray]] = []

  @property
  def pending(self) -> list[dict[str, list[float]]]:
    """The metrics of the unfinished window: one dict per iteration."""
    return [{k: v.tolist() for k, v in one.items()} for one in self._window]

  def restore(self, pending: list[Mapping[str, Any]]) -> None:
    """Continues the unfinished window of `pending`."""
    self._window = [
      {k: np.array(v, np.float32) for k, v in one.items()} for one in pending
    ]

  def add(
    self,
    values: Mapping[str, Array | np.ndarray],
    local: int,
    count: int,
    end: bool,
  ) -> list[tuple[int, dict[str, np.ndarray]]]:
    """Adds the iterations of a chunk.

    Args:
      values: name -> [seeds, count or more].
      local: iterations of the phase before this chunk.
      count: iterations of the chunk.
      end: whether the phase ends with this chunk.

    Returns:
      (iterations of the phase, name -> [seeds]) for each window that ends.
    """
    arrays = {k: np.asarray(v) for k, v in values.items()}
    ended = []
    for i in range(count):
      self._window.append({k: v[..., i] for k, v in arrays.items()})
      done = local + i + 1
      if done % self._every == 0 or (end and i == count - 1):
        ended.append((done, self._means()))
        self._window = []
    return ended

  def _means(self) -> dict[str, np.ndarray]:
    """Returns the means over the window: name -> [seeds]."""
    return {
      k: np.stack([one[k] for one in self._window]).mean(0, dtype=np.float64)
      for k in self._window[0]
    }
