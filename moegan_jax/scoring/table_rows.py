"""The rows of a run's table besides those at the ends of stages."""

from collections.abc import Mapping, Sequence

import numpy as np

from moegan_jax.metrics import METRICS, SUFFIXES
from moegan_jax.report.rows import Row
from moegan_jax.scoring import report_data
from moegan_jax.scoring.evaluation import (
  COLDEST,
  Evaluator,
  select_seed,
  shared,
)
from moegan_jax.scoring.selection import looks_at_test
from moegan_jax.store.best import Best
from moegan_jax.store.records import RecordWriter
from moegan_jax.store.rows import Rows
from moegan_jax.train.stages import Stage
from moegan_jax.types import TrainState

# Rows that another run has measured: (name, step) -> values.
Known = Mapping[tuple[str, int], dict]


def record_known(
  records: RecordWriter, known: Known, start: Stage, settings
) -> None:
  """Records the pre-trained generator that another run has measured.

  Args:
    start: the stage whose end that generator is
    settings: the section `eval`
  """
  if ('start', 0) in known:
    values = known['start', 0] | {'samples': settings.final_samples}
    records.write('eval', start.name, 0, values)


def write_known(rows: Rows, known: Known) -> None:
  """Keeps rows that another run has measured; they need no second time."""
  for (name, step), values in known.items():
    rows.write(name, step, values)


def row(key: str, label: str, values: dict, note: str = '') -> Row:
  """Measured values as a row: those that a table has a column for.

  Standard errors and intervals stay beside their values.
  """
  shown = {
    f'{k}{tail}': values[f'{k}{tail}']
    for k in METRICS
    if k in values
    for tail in ('', *SUFFIXES)
    if f'{k}{tail}' in values
  }
  return Row(label, shown, note, key=key)


def best_row(
  rows: Rows, evaluator: Evaluator, best: Best, label: str, end: int, n: int
) -> Row | None:
  """The best checkpoint, where it is not the last one."""
  if best.state is None or set(best.steps) == {end}:
    return None

  def measure() -> dict:
    values, _ = evaluator.measure(best.state, n, full=True)
    # A seed that diverged before any measure has none that was best.
    measured = np.isfinite(best.values)
    return {k: np.where(measured, v, np.nan) for k, v in values.items()}

  values = rows.once('best', end, measure)
  steps = ', '.join(map(str, best.steps))
  side = METRICS[best.measure].better
  note = f'{side} {best.measure} is better; chosen at step {steps}'
  if looks_at_test(best.measure):
    note += '; CHOSEN ON THE TEST TEXT'
  return row('best', f'{label}, best', values, note)


def cooled_row(
  rows: Rows,
  evaluator: Evaluator,
  pretrained: TrainState,
  target: list[float],
  end: int,
  n: int,
) -> Row:
  """The MLE generator at the temperature where its NLL_oracle is the target.

  What a system gains on NLL_oracle alone, cooling gives for nothing.
  """

  def measure() -> dict:
    heats = [
      evaluator.matching_temperature(select_seed(pretrained, seed), value)
      for seed, value in enumerate(target)
    ]
    return _at_temperatures(evaluator, pretrained, heats, n)

  values = rows.once('cooled', end, measure)
  heats = _listed(values['temperature'])
  note = f"sampled at temperature {heats}, where its NLL_oracle is the system's"
  if max(values['temperature']) == 1:
    note = 'not cooled: its NLL_oracle is not above that of the system'
  elif min(values['temperature']) < COLDEST:
    note += '; the coldest that was tried, and not cold enough'
  return row('cooled', 'MLE, cooled', values, note)


def tempered_row(
  key: str,
  label: str,
  rows: Rows,
  evaluator: Evaluator,
  state: TrainState,
  points: dict[str, list[list[float]]],
  temperatures: Sequence[float],
  end: int,
  n: int,
) -> Row:
  """The generator of a phase at the best temperature of its curve.

  Args:
    state: at the end of the phase.
    points: of `exhibits.curve` at these temperatures.
    end: the step at which the phase ended.
  """
  name, heats = report_data.best_temperatures(points, temperatures)

  def measure() -> dict:
    return _at_temperatures(evaluator, state, heats, n)

  values = rows.once(key, end, measure)
  note = (
    f'sampled at temperature {_listed(values["temperature"])}, where '
    f'{METRICS[name].label} is lowest among '
    + ', '.join(f'{t:g}' for t in temperatures)
  )
  return row(key, f'{label} at its best temperature', values, note)


def _at_temperatures(
  evaluator: Evaluator, state: TrainState, heats: Sequence[float], n: int
) -> dict:
  """Full measures of each seed at a temperature of its own: name -> [seeds]."""
  found = []
  for seed, heat in enumerate(heats):
    one = select_seed(state, seed)
    measures, _ = evaluator.measure_one(one, n, heat, full=True)
    found.append(measures | {'temperature': heat})
  return {k: [m[k] for m in found] for k in shared(found)}


def _listed(heats: Sequence[float]) -> str:
  return ', '.join(f'{t:.2f}' for t in heats)
