"""Recorded quantities of a group of runs: along training, over temperature."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from moegan_jax.report.finished import Curves
from moegan_jax.report.runs import RunGroup
from moegan_jax.store.reading import RECORD_KEYS, as_numbers


class Series(NamedTuple):
  """One quantity in one phase of training.

  Attributes:
    phase: name of the phase.
    samples: number of samples behind each value; 0 for losses.
    steps: [n], ascending.
    values: [n, seeds].
  """

  phase: str
  samples: int
  steps: np.ndarray
  values: np.ndarray


def history(group: RunGroup, kind: str, name: str) -> list[Series]:
  """Returns a quantity along training.

  Values of different sample sizes are never joined, since many measures depend
  on the number of samples. If the runs recorded different steps, their values
  are interpolated on the common range.

  Args:
    group: the runs.
    kind: 'train' or 'eval'.
    name: of a loss or a measure.

  Returns:
    One series for each phase and sample size.
  """
  parts: dict[tuple[str, int], list[dict[int, np.ndarray]]] = {}
  for run in group.runs:
    own: dict[tuple[str, int], dict[int, np.ndarray]] = {}
    for record in run.records:
      if record['kind'] == kind and name in record:
        samples = int(record.get('samples', 0)) if kind == 'eval' else 0
        points = own.setdefault((record['phase'], samples), {})
        points[record['step']] = as_numbers(record[name])
    for key, points in own.items():
      parts.setdefault(key, []).append(dict(sorted(points.items())))
  found = []
  for (phase, samples), members in parts.items():
    steps, values = _aligned(members)
    if len(steps):
      found.append(Series(phase, samples, steps, values))
  return found


def quantities(group: RunGroup, kind: str) -> list[str]:
  """Returns the recorded names of a kind, in order of first occurrence."""
  found: dict[str, None] = {}
  for run in group.runs:
    for record in run.records:
      if record['kind'] == kind:
        found |= dict.fromkeys(record)
  return [name for name in found if name not in (*RECORD_KEYS, 'samples')]


def sample_sizes(group: RunGroup) -> list[int]:
  """Returns the numbers of samples of all evaluations, ascending."""
  sizes = {
    int(record.get('samples', 0))
    for run in group.runs
    for record in run.records
    if record['kind'] == 'eval'
  }
  return sorted(sizes - {0})


def phase_ends(group: RunGroup) -> dict[str, int]:
  """Returns phase -> last step, in the order of training."""
  found: dict[str, int] = {}
  for run in group.runs:
    for record in run.records:
      phase = record['phase']
      found[phase] = max(record['step'], found.get(phase, 0))
  return found


def temperature_curves(group: RunGroup) -> Curves | None:
  """Returns the temperature curves of a group; None if it has none.

  Runs with other temperatures or sample sizes than the first are left out.

  Returns:
    Curves with values [t, seeds], concatenated over the runs.
  """
  found = [run.curves for run in group.runs if run.curves]
  if not found:
    return None
  first = found[0]
  equal = [
    curves
    for curves in found
    if curves.samples == first.samples
    and np.array_equal(curves.temperatures, first.temperatures)
  ]
  phases = {
    phase: {
      key: np.concatenate([c.phases[phase][key] for c in equal], axis=1)
      for key in curve
      if all(key in c.phases.get(phase, {}) for c in equal)
    }
    for phase, curve in first.phases.items()
  }
  return first._replace(phases=phases)


def _aligned(
  members: Sequence[dict[int, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
  """Puts the values of several runs on common steps: [n] and [n, seeds]."""
  grids = [np.array(list(points)) for points in members]
  tables = [_rectangle(list(points.values())) for points in members]
  if all(np.array_equal(grid, grids[0]) for grid in grids):
    return grids[0], np.concatenate(tables, axis=1)
  low = max(grid[0] for grid in grids)
  high = min(grid[-1] for grid in grids)
  steps = np.unique(np.concatenate(grids))
  steps = steps[(steps >= low) & (steps <= high)]
  columns = [
    np.interp(steps, grid, column)
    for grid, table in zip(grids, tables)
    for column in table.T
  ]
  return steps, np.stack(columns, axis=1)


def _rectangle(values: Sequence[np.ndarray]) -> np.ndarray:
  """Stacks values to [n, seeds]; a scalar is repeated for every seed."""
  seeds = max(map(len, values))
  return np.stack([np.resize(v, seeds) for v in values])
