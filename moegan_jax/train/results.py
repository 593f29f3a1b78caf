"""The rows of a run's table: measured once, and kept as files."""

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from moegan_jax.files import floats, write_json
from moegan_jax.metrics import METRICS, SUFFIXES
from moegan_jax.report.published import Row
from moegan_jax.train import exhibits
from moegan_jax.train.best import Best, looks_at_test
from moegan_jax.train.evaluation import COLDEST, Evaluator, member, shared
from moegan_jax.train.workdir import Workdir
from moegan_jax.train.writer import Writer
from moegan_jax.types import TrainState

# Rows that another run has measured: (name, step) -> values.
Known = Mapping[tuple[str, int], dict]


class Rows:
  """Measured rows, one JSON file each: name -> [seeds]."""

  def __init__(self, workdir: Workdir):
    self._folder = workdir.path / 'rows'

  def read(self, name: str, step: int) -> dict | None:
    """The row of a name at a step; None if it is not measured (or torn)."""
    try:
      text = (self._folder / f'{name}-{step}.json').read_text(encoding='utf-8')
      return floats(json.loads(text))
    except (OSError, ValueError):
      return None

  def write(self, name: str, step: int, values: dict) -> dict:
    self._folder.mkdir(exist_ok=True)
    plain = {k: np.asarray(v).tolist() for k, v in values.items()}
    write_json(self._folder / f'{name}-{step}.json', plain)
    return plain

  def once(self, name: str, step: int, measure: Callable[[], dict]) -> dict:
    """The row, measured if it is not there yet."""
    values = self.read(name, step)
    return self.write(name, step, measure()) if values is None else values


def record_known(writer: Writer, known: Known, n: int) -> None:
  """Records the pre-trained generator that another run has measured.

  Args:
    n: samples behind its measures
  """
  if ('pretrain', 0) in known:
    values = known['pretrain', 0] | {'samples': n}
    writer.write('eval', 'pretrain', 0, values)


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
      evaluator.matching_temperature(member(pretrained, seed), value)
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
  name, heats = exhibits.best_temperatures(points, temperatures)

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
    one = member(state, seed)
    measures, _ = evaluator.measure_one(one, n, heat, full=True)
    found.append(measures | {'temperature': heat})
  return {k: [m[k] for m in found] for k in shared(found)}


def _listed(heats: Sequence[float]) -> str:
  return ', '.join(f'{t:.2f}' for t in heats)
