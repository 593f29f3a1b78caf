"""The report of a device, as Markdown."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.accelerator import checks, times
from benchmarks.table import grid, number

Row = Mapping[str, Any]
# Key of a value, heading of its column, and format.
Column = tuple[str, str, Callable[[Any], str]]


def _small(x: float) -> str:
  return f'{x:.1e}'


def _share(x: float) -> str:
  return f'{x:.2%}'


def _mega(x: float) -> str:
  return number(x / 1e6)


def _milli(x: float) -> str:
  return number(x * 1e3)


def _count(x: float) -> str:
  return f'{x:,.0f}'


_TIME: tuple[Column, ...] = (
  ('median', 'ms', _milli),
  ('low', 'low', _milli),
  ('high', 'high', _milli),
)
_MEMORY: Column = ('program_bytes', 'MB', _mega)
_RATIO: Column = ('ratio', 'ratio', number)
_TITLES = {
  'agreement': 'Agreement with the CPU',
  'resume': 'Resumed training',
  'steps': 'Step times',
  'seeds': f'{times.SEEDS} seeds against 1',
  'variants': 'Variants',
}
_COLUMNS: dict[str, tuple[Column, ...]] = {
  'agreement': (
    ('metrics', 'metrics', _small),
    ('worst_metrics', 'largest in', str),
    ('parameters', 'parameters', _small),
    ('worst_parameters', 'largest in', str),
  ),
  'resume': (
    ('steps', 'steps', str),
    ('arrays', 'arrays', str),
    ('differ', 'differ', str),
    ('unstable', 'unstable', str),
  ),
  'steps': (
    *_TIME,
    ('gflop', 'GFLOP', number),
    ('gflops', 'GFLOP/s', number),
    ('of_products', 'of products', _share),
    ('of_peak', 'of peak', _share),
    ('kernels', 'kernels', _count),
    ('bound', 'bound ms', _milli),
    ('bound_by', 'bound by', str),
    _MEMORY,
  ),
  'seeds': (*_TIME, ('one', '1 seed', _milli), _RATIO, _MEMORY),
  'variants': (*_TIME, ('one', 'default', _milli), _RATIO, _MEMORY),
}
_NOTES = {
  'agreement': f'{checks.STEPS} iterations of each phase at toy size from the '
  'same state, products in float32. Metrics: largest difference relative to '
  f'the largest value; at most {checks.TOLERANCES["metrics"]:g} passes. '
  'Parameters: norm of the difference relative to the norm of their change; at '
  f'most {checks.TOLERANCES["parameters"]:g} passes.',
  'resume': f'{checks.STEPS} steps, a checkpoint, and {checks.STEPS} more, '
  f'against {2 * checks.STEPS} steps. Differ: arrays that are not equal bit '
  'for bit. Unstable: arrays in which two unbroken runs differ.',
  'steps': 'Median and quartiles. Of products: share of the best rate of '
  'products alone. Of peak: share of the datasheet rate for the precision. '
  'Kernels: launches of a step, counted in the compiled program. Bound: '
  'lower bound from products, memory and launches. MB: memory of the program.',
  'seeds': f'Times with {times.SEEDS} seeds. Ratio: to the time with 1 seed.',
  'variants': 'Ratio: to the time with the default.',
}


def markdown(report: Mapping[str, Any]) -> str:
  """Returns the page of a report, with a table for each section."""
  device, sections = report['device'], report['sections']
  described = device['description'] or 'peak unknown'
  if report['reference_is_device']:
    described += '; the CPU is compared with its own unoptimised programs'
  lines = [
    f'# {device["kind"]} ({device["platform"]}), {report["scale"]} scale',
    '',
    f'* device: {described}; jax {device["jax"]}; {device["backend"]}',
    f'* setting: {report["setting"]}',
    f'* text: {report["text"]}',
    f'* time: {number(report["seconds"])} of {number(report["budget"])} s',
    f'* peak memory: {_mega(report["peak_bytes"])} MB of the '
    + ('process' if device['platform'] == 'cpu' else 'device'),
    f'* result: {report["result"]}',
  ]
  for section in sections:
    name = section['name']
    lines += ['', f'## {_TITLES[name]} ({number(section["seconds"])} s)', '']
    lines += [_table(section), '', _NOTES[name]]
  return '\n'.join(lines) + '\n'


def _table(section: Mapping[str, Any]) -> str:
  columns = _COLUMNS[section['name']]

  def cells(row: Row) -> list[str]:
    values = [
      show(row[key]) if row.get(key) is not None else ''
      for key, _, show in columns
    ]
    reason = f': {row["reason"]}' if 'reason' in row else ''
    return [row['name'], *values, row['status'] + reason.replace('|', '/')]

  heads = ['what', *(head for _, head, _ in columns), 'result']
  return grid(heads, [cells(row) for row in section['rows']])
