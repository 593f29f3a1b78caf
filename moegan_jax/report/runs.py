"""Finished runs as a report reads them: files in, plain arrays out.

A run is a folder. Runs that differ in nothing but their seeds are a group, and
a group is read like one run with more seeds.
"""

import itertools
import json
import os
import pathlib
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.files import read_json
from moegan_jax.report.published import Row

_RESERVED = ('kind', 'phase', 'step', 'time')  # of a record
_SEEDS = ('seed', 'num_seeds')  # settings that say which seeds
_WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError)
# What must be the same before two runs may share a table.
_SAME_DATA = (
  'files',
  'origin',
  'seed',
  'codec',
  'test_sha256',
  'test_lines',
  'vocab_size',
  'length',
)


class Curves(NamedTuple):
  """What measures become along the temperatures.

  samples: behind each point
  temperatures: [t], ascending
  phases: phase -> measure -> [t, seeds]
  real: measure -> its value for as many sentences of real text; {} if unknown
  """

  samples: int
  temperatures: np.ndarray
  phases: dict[str, dict[str, np.ndarray]]
  real: dict[str, float]


class Pair(NamedTuple):
  """A sample beside the training sentence that is nearest to it."""

  sample: str
  nearest: str
  distance: float


class Exhibits(NamedTuple):
  """Text that a report shows.

  row: the key of the row that the samples belong to
  top: the commonest samples, with their number
  lengths: 'samples', 'train', 'test' -> [n], sentences with 0, 1, 2.. tokens
  """

  row: str
  pairs: list[Pair]
  top: list[tuple[str, int]]
  lengths: dict[str, np.ndarray]


class Features(NamedTuple):
  """The discriminator's features of sentences: real [n, F], fake [m, F]."""

  real: np.ndarray
  fake: np.ndarray


class Run(NamedTuple):
  """A finished run.

  rows: as in its table, values [seeds]; real text has keys real_train and
    real_test
  config: nested settings
  environment: the newest one; {} if unknown
  corpus_file: what corpus.json says; {} if unknown
  records: of metrics.jsonl, in order
  """

  path: pathlib.Path
  label: str
  corpus: str
  benchmark: str
  stands_in: str
  protocol: dict[str, Any]
  rows: list[Row]
  config: dict[str, Any]
  environment: dict[str, Any]
  corpus_file: dict[str, Any]
  records: list[dict[str, Any]]
  curves: Curves | None
  exhibits: Exhibits | None
  features: Features | None


class Group(NamedTuple):
  """Runs that differ in nothing but their seed; mostly a single one."""

  name: str
  runs: tuple[Run, ...]

  @property
  def first(self) -> Run:
    return self.runs[0]

  @property
  def seeds(self) -> int:
    return sum(_num_seeds(run) for run in self.runs)


class Line(NamedTuple):
  """One quantity along a stretch of training.

  samples: behind each value; 0 where nothing was sampled
  steps: [n], ascending
  values: [n, seeds]
  """

  phase: str
  samples: int
  steps: np.ndarray
  values: np.ndarray


def load(path: str | os.PathLike) -> Run:
  """Reads the folder of a finished run.

  Only config.json and results.json must be there.

  Raises:
    UserError: no folder of a run, a run that has not finished, or a file that
      is damaged.
  """
  path = pathlib.Path(path)
  if not path.is_dir():
    raise UserError(f'{path} is no folder; give the folder of a run')
  if not (path / 'config.json').is_file():
    raise UserError(f'{path} is no run: it has no config.json')
  if not (path / 'results.json').is_file():
    raise UserError(
      f'{path} is not finished: it has no results.json; the command that '
      'began it takes it to its end'
    )
  return Run(
    path=path,
    config=_parsed(path / 'config.json', _dict, {}),
    environment=_parsed(path / 'environment.json', lambda v: _dict(v[-1]), {}),
    corpus_file=_parsed(path / 'corpus.json', _dict, {}),
    records=_records(path / 'metrics.jsonl'),
    curves=_parsed(path / 'curves.json', _curves, None),
    exhibits=_parsed(path / 'texts.json', _exhibits, None),
    features=_features(path / 'features.npz'),
    **_parsed(path / 'results.json', _results, {}),
  )


def fold(runs: Sequence[Run]) -> list[Group]:
  """Groups of runs that differ in nothing but their seeds, in their order.

  Two runs with the same settings and the same seed stay apart: their numbers
  would not be independent.

  Raises:
    UserError: a folder was given twice.
  """
  places = [run.path.resolve() for run in runs]
  for run, place in zip(runs, places):
    if places.count(place) > 1:
      raise UserError(f'{run.path} was given twice')
  names = _names(places)
  groups: list[tuple[str, list[int]]] = []
  for i, run in enumerate(runs):
    settings = {k: v for k, v in run.config.items() if k not in _SEEDS}
    same = json.dumps([settings, bench(run)], sort_keys=True, default=str)
    seed = run.config.get('seed')
    for known, members in groups:
      seeds = [runs[j].config.get('seed') for j in members]
      if known == same and seed not in seeds:
        members.append(i)
        break
    else:
      groups.append((same, [i]))
  members = [[names[i] for i in which] for _, which in groups]
  short = [_common(those) for those in members]
  return [
    Group(
      name if short.count(name) == 1 else ' + '.join(those),
      tuple(runs[i] for i in which),
    )
    for name, those, (_, which) in zip(short, members, groups)
  ]


def bench(run: Run) -> str:
  """What two runs must share before their numbers may stand in one table.

  Corpus, its data and vocabulary, and the protocol of the measures, as text.
  """
  record = run.corpus_file.get('record', {})
  data = {key: record[key] for key in _SAME_DATA if key in record}
  shared = [run.corpus, run.benchmark, run.stands_in, run.protocol, data]
  return json.dumps(shared, sort_keys=True)


def benches(groups: Sequence[Group]) -> list[list[Group]]:
  """Groups that may share a table, together; in the given order."""
  found: dict[str, list[Group]] = {}
  for group in groups:
    found.setdefault(bench(group.first), []).append(group)
  return list(found.values())


def rows(group: Group) -> list[Row]:
  """The rows of a group, ours only; values [seeds] of all its runs."""
  keys = dict.fromkeys(row.key for run in group.runs for row in run.rows)
  found = []
  for key in keys:
    those = [r for run in group.runs for r in run.rows if r.key == key]
    if _is_real(key):
      continue
    shared = [k for k in those[0].values if all(k in r.values for r in those)]
    values = {k: np.concatenate([r.values[k] for r in those]) for k in shared}
    notes = [r.note for r in those if r.note]
    if len(those) < len(group.runs):
      notes.append(f'of {len(those)} of {len(group.runs)} runs')
    note = '; '.join(dict.fromkeys(notes))
    found.append(those[0]._replace(values=values, note=note))
  return found


def real(groups: Sequence[Group]) -> list[Row]:
  """The rows of real text, those that are equal only once."""
  found: list[Row] = []
  for run in itertools.chain.from_iterable(group.runs for group in groups):
    for row in run.rows:
      if _is_real(row.key) and not any(_equal(row, known) for known in found):
        found.append(row)
  return found


def history(group: Group, kind: str, name: str) -> list[Line]:
  """A quantity along training, one Line for each phase and sample size.

  Values of few and of many samples are never joined: many measures depend on
  their number. Runs whose steps differ are interpolated where they overlap.

  Args:
    kind: 'train' or 'eval'.
    name: of a loss or of a measure.
  """
  parts: dict[tuple[str, int], list[dict[int, np.ndarray]]] = {}
  for run in group.runs:
    own: dict[tuple[str, int], dict[int, np.ndarray]] = {}
    for record in run.records:
      if record['kind'] == kind and name in record:
        samples = int(record.get('samples', 0)) if kind == 'eval' else 0
        line = own.setdefault((record['phase'], samples), {})
        line[record['step']] = _numbers(record[name])
    for key, line in own.items():
      parts.setdefault(key, []).append(dict(sorted(line.items())))
  lines = []
  for (phase, samples), members in parts.items():
    steps, values = _aligned(members)
    if len(steps):
      lines.append(Line(phase, samples, steps, values))
  return lines


def quantities(group: Group, kind: str) -> list[str]:
  """The names that records of a kind have, in the order they appear."""
  found: dict[str, None] = {}
  for run in group.runs:
    for record in run.records:
      if record['kind'] == kind:
        found |= dict.fromkeys(record)
  return [n for n in found if n not in (*_RESERVED, 'samples')]


def ends(group: Group) -> dict[str, int]:
  """Phase -> its last step, in the order of training."""
  found: dict[str, int] = {}
  for run in group.runs:
    for record in run.records:
      phase = record['phase']
      found[phase] = max(record['step'], found.get(phase, 0))
  return found


def temperature_curves(group: Group) -> Curves | None:
  """The curves of a group, [t, seeds] of all its runs that have the same t."""
  those = [run.curves for run in group.runs if run.curves]
  if not those:
    return None
  one = those[0]
  those = [
    c
    for c in those
    if c.samples == one.samples
    and np.array_equal(c.temperatures, one.temperatures)
  ]
  phases = {
    phase: {
      key: np.concatenate([c.phases[phase][key] for c in those], axis=1)
      for key in curve
      if all(key in c.phases.get(phase, {}) for c in those)
    }
    for phase, curve in one.phases.items()
  }
  return one._replace(phases=phases)


# --- files -------------------------------------------------------------------


def _parsed(path: pathlib.Path, parse: Callable, missing: Any) -> Any:
  """A JSON file through a function that raises on any other shape."""
  if not path.exists():
    return missing
  value = read_json(path)
  try:
    return parse(value)
  except _WRONG as error:
    raise UserError(
      f'{path} is damaged: {type(error).__name__} {error}; write it anew by '
      'finishing the run again, or remove it'
    ) from None


def _dict(value: Any) -> dict[str, Any]:
  if not isinstance(value, dict):
    raise TypeError(f'{type(value).__name__} in place of an object')
  return value


def _text(value: Any) -> str:
  if not isinstance(value, str):
    raise TypeError(f'{value!r} in place of text')
  return value


def _numbers(value: Any) -> np.ndarray:
  """A number, or one a seed, as float64 [seeds]; 'nan' is a number."""
  values = value if isinstance(value, list) else [value]
  return np.array([float(v) for v in values], np.float64)


def _results(value: Any) -> dict[str, Any]:
  return {
    'label': _text(value['label']),
    'corpus': _text(value['corpus']),
    'benchmark': _text(value.get('benchmark', '')),
    'stands_in': _text(value.get('stands_in', '')),
    'protocol': _dict(value.get('protocol', {})),
    'rows': [
      Row(
        _text(row['label']),
        {key: _numbers(v) for key, v in _dict(row['values']).items()},
        _text(row.get('note', '')),
        key=_text(row['key']),
      )
      for row in value['rows']
    ],
  }


def _curves(value: Any) -> Curves | None:
  heats = _numbers(list(value['temperatures']))
  order = np.argsort(heats)
  phases = {}
  for phase, curve in _dict(value['curves']).items():
    arrays = {
      # Raises if a temperature is missing.
      key: np.stack([_numbers(point) for point in points])[order]
      for key, points in _dict(curve).items()
    }
    # A seed that diverged has no curve.
    gone = [np.isnan(array).all(axis=0) for array in arrays.values()]
    there = ~np.all(gone, axis=0) if gone else slice(None)
    phases[phase] = {key: array[:, there] for key, array in arrays.items()}
  known = {k: float(v) for k, v in _dict(value.get('real', {})).items()}
  return Curves(int(value['samples']), heats[order], phases, known)


def _exhibits(value: Any) -> Exhibits:
  return Exhibits(
    _text(value.get('row', '')),
    [
      Pair(_text(p['sample']), _text(p['nearest']), float(p['distance']))
      for p in value.get('pairs', [])
    ],
    [(_text(line), int(count)) for line, count in value.get('top', [])],
    {k: _numbers(list(v)) for k, v in _dict(value.get('lengths', {})).items()},
  )


def _features(path: pathlib.Path) -> Features | None:
  """Rows that are finite; None if there is no file."""
  if not path.exists():
    return None
  try:
    with np.load(path, allow_pickle=False) as arrays:
      both = [np.asarray(arrays[k], np.float64) for k in ('real', 'fake')]
    widths = {array.shape[1] for array in both if array.ndim == 2}
    if len(widths) != 1 or any(array.ndim != 2 for array in both):
      raise ValueError('real and fake must be [n, F]')
  except (*_WRONG, OSError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f'{path} is damaged: {error}; remove it') from None
  return Features(*(a[np.isfinite(a).all(axis=1)] for a in both))


def _records(path: pathlib.Path) -> list[dict[str, Any]]:
  """The records of metrics.jsonl; a last line that was torn is left out."""
  try:
    lines = path.read_bytes().split(b'\n') if path.exists() else []
  except OSError as error:
    raise UserError(f'cannot read {path}: {error.strerror}') from error
  records = []
  for number, line in enumerate(lines, 1):
    if not line:
      continue
    try:
      record = _dict(json.loads(line))
      record['step'] = int(record['step'])
      _text(record['kind']), _text(record['phase'])
      for name, value in record.items():
        if name not in _RESERVED:
          _numbers(value)
    except _WRONG:
      if number == len(lines):
        break
      raise UserError(
        f'{path}, line {number}, is no record; mend or remove it'
      ) from None
    records.append(record)
  return records


# --- folding -----------------------------------------------------------------


def _num_seeds(run: Run) -> int:
  ours = [r for r in run.rows if not _is_real(r.key)]
  return max((len(v) for r in ours for v in r.values.values()), default=1)


def _is_real(key: str) -> bool:
  return key.startswith('real_')


def _equal(row: Row, other: Row) -> bool:
  if (row.key, row.values.keys()) != (other.key, other.values.keys()):
    return False
  return all(
    len(value) == len(other.values[key])
    and np.allclose(value, other.values[key], equal_nan=True)
    for key, value in row.values.items()
  )


def _names(places: Sequence[pathlib.Path]) -> list[str]:
  """The shortest ends of paths that tell them apart."""
  for depth in range(1, max((len(p.parts) for p in places), default=1) + 1):
    names = ['/'.join(p.parts[-depth:]) for p in places]
    if len(set(names)) == len(names):
      break
  return names


def _common(names: Sequence[str]) -> str:
  """One name for several: what they begin with, less the seed."""
  if len(names) == 1:
    return names[0]
  start = os.path.commonprefix(list(names))  # noqa: RUF071 (letters)
  start = re.sub(r'([-_. ]+(seeds?|s|run)?)?[-_. ]*\d*$', '', start)
  return f'{start or names[0]} ({len(names)} runs)'


def _aligned(
  members: Sequence[dict[int, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
  """Lines of several runs on common steps: [n] and [n, seeds]."""
  grids = [np.array(list(line)) for line in members]
  tables = [_rectangle(list(line.values())) for line in members]
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
  """[n, seeds]; a value without its own seeds stands for all of them."""
  seeds = max(map(len, values))
  return np.stack([np.resize(v, seeds) for v in values])
