"""Rows of result tables."""

from typing import Any, NamedTuple

import numpy as np


class Spread(NamedTuple):
  """A printed mean with its printed standard deviation.

  Attributes:
    mean: the mean.
    deviation: the standard deviation.
  """

  mean: float
  deviation: float


class Row(NamedTuple):
  """One row of a table.

  Attributes:
    label: name of the system.
    values: measure -> number, array over seeds, or `Spread`.
    note: protocol behind the values, and what they are comparable with.
    source: where the values are printed; '' for measured rows.
    group: rows of different groups are never ranked together; '' is the main
      group.
    key: role of a measured row: start, last, best, tempered,
      start_tempered, cooled, real_train or real_test; '' for published rows.
    classes: class -> measure -> value, of the text of one class.
  """

  label: str
  values: dict[str, Any]
  note: str = ''
  source: str = ''
  group: str = ''
  key: str = ''
  classes: dict[str, dict[str, Any]] = {}  # noqa: RUF012  (never changed)


def finite(values: Any) -> np.ndarray:
  """Drops the seeds without a value.

  Args:
    values: a number, or [seeds]; NaN marks a seed that diverged.

  Returns:
    float64 array of the values that are not NaN; all values if every one is
    NaN.
  """
  seeds = np.asarray(values, np.float64).ravel()
  kept = seeds[~np.isnan(seeds)]
  return kept if kept.size else seeds
