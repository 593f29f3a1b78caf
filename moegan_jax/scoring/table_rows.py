"""Rows of the results table other than the ends of stages."""

from collections.abc import Mapping, Sequence

import numpy as np

from moegan_jax.metrics import METRICS, SUFFIXES, classes
from moegan_jax.report.rows import Row
from moegan_jax.scoring import report_data
from moegan_jax.scoring.evaluation import (
  MIN_TEMPERATURE,
  Evaluator,
  common_measures,
  select_seed,
)
from moegan_jax.scoring.selection import looks_at_test
from moegan_jax.store.best import Best
from moegan_jax.store.records import RecordWriter
from moegan_jax.store.rows import Rows
from moegan_jax.train.stages import Stage
from moegan_jax.types import TrainState

# Rows that another run measured: (name, step) -> measure -> [seeds].
Known = Mapping[tuple[str, int], dict]


def record_known(
  records: RecordWriter, known: Known, start: Stage, settings
) -> None:
  """Records the evaluation of a warm-started generator by its own run.

  Args:
    records: of this run.
    known: rows of the other run.
    start: the stage at whose end the other run measured the generator.
    settings: the section `eval`.
  """
  if ('start', 0) in known:
    values = classes.without_classes(known['start', 0])
    values |= {'samples': settings.final_samples}
    records.write('eval', start.name, 0, values)


def write_known(rows: Rows, known: Known) -> None:
  """Writes rows that another run measured, so that this run reuses them."""
  for (name, step), values in known.items():
    rows.write(name, step, values)


def row(key: str, label: str, values: dict, note: str = '') -> Row:
  """Builds a row of the measures that have a column in tables, and of classes.

  Args:
    key: role of the row; see `Row.key`.
    label: name in the table.
    values: measure -> [seeds]; standard errors and intervals are kept.
    note: protocol behind the values.
  """
  shown = {
    f'{k}{tail}': values[f'{k}{tail}']
    for k in METRICS
    if k in values
    for tail in ('', *SUFFIXES)
    if f'{k}{tail}' in values
  }
  return Row(label, shown, note, key=key, classes=classes.by_class(values))


def best_row(
  rows: Rows, evaluator: Evaluator, best: Best, label: str, end: int, n: int
) -> Row | None:
  """Measures the best checkpoint of each seed.

  Args:
    rows: caches the values.
    evaluator: measures the samples.
    best: the best checkpoint.
    label: name of the system.
    end: the last step of the run.
    n: number of samples.

  Returns:
    The row; None if the best checkpoint of every seed is the last one.
  """
  state = best.state
  if state is None or set(best.steps) == {end}:
    return None

  def measure() -> dict:
    values, _ = evaluator.measure(state, n, full=True)
    # A seed that diverged before the first evaluation has no best value.
    measured = np.isfinite(best.values)
    return {k: np.where(measured, v, np.nan) for k, v in values.items()}

  values = rows.once('best', end, measure)
  steps = ', '.join(map(str, best.steps))
  side = METRICS[best.measure].better
  note = f'selected at step {steps} by {best.measure} ({side} is better)'
  if looks_at_test(best.measure):
    note += '; SELECTED ON THE TEST TEXT'
  return row('best', f'{label}, best', values, note)


def cooled_row(
  rows: Rows,
  evaluator: Evaluator,
  pretrained: TrainState,
  target: list[float],
  end: int,
  n: int,
) -> Row:
  """Measures the MLE generator at the temperature that gives a NLL_oracle.

  Lowering the temperature alone lowers NLL_oracle. A system is better only if
  it is better than this row in other measures.

  Args:
    rows: caches the values.
    evaluator: measures the samples.
    pretrained: the MLE generator, with the axis over seeds.
    target: the system's NLL_oracle of each seed, in nats per token.
    end: the last step of the run.
    n: number of samples.
  """

  def measure() -> dict:
    temperatures = [
      evaluator.matching_temperature(
        select_seed(pretrained, seed), value, min(n, 1000)
      )
      for seed, value in enumerate(target)
    ]
    return _at_temperatures(evaluator, pretrained, temperatures, n)

  values = rows.once('cooled', end, measure)
  note = (
    f'sampled at temperature {_listed(values["temperature"])}, where its '
    'NLL_oracle equals that of the system'
  )
  if max(values['temperature']) == 1:
    note = 'not cooled: its NLL_oracle is not above that of the system'
  elif min(values['temperature']) < MIN_TEMPERATURE:
    note += '; the lowest temperature tried does not reach it'
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
  """Measures a generator at the best temperature of its curve.

  Args:
    key: role of the row, and its name in `rows`.
    label: name of the generator.
    rows: caches the values.
    evaluator: measures the samples.
    state: at the end of the phase, with the axis over seeds.
    points: of `report_data.curve` at these temperatures.
    temperatures: the temperatures of the curve.
    end: the last step of the phase.
    n: number of samples.
  """
  name, chosen = report_data.best_temperatures(points, temperatures)

  def measure() -> dict:
    return _at_temperatures(evaluator, state, chosen, n)

  values = rows.once(key, end, measure)
  note = (
    f'sampled at temperature {_listed(values["temperature"])}, where '
    f'{METRICS[name].label} is lowest among '
    + ', '.join(f'{t:g}' for t in temperatures)
  )
  return row(key, f'{label} at its best temperature', values, note)


def _at_temperatures(
  evaluator: Evaluator,
  state: TrainState,
  temperatures: Sequence[float],
  n: int,
) -> dict:
  """Measures each seed at its own temperature: measure -> [seeds]."""
  found = []
  for seed, temperature in enumerate(temperatures):
    one = select_seed(state, seed)
    measures, _ = evaluator.measure_one(one, n, temperature, full=True)
    found.append(measures | {'temperature': temperature})
  return {k: [m[k] for m in found] for k in common_measures(found)}


def _listed(temperatures: Sequence[float]) -> str:
  return ', '.join(f'{t:.2f}' for t in temperatures)
