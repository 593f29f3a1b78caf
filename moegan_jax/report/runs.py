"""Groups of finished runs that differ only in their seeds.

A group is used like a single run with more seeds.
"""

import itertools
import json
import os
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.report.finished import FinishedRun, load
from moegan_jax.report.rows import Row

__all__ = ['RunGroup', 'benches', 'fold', 'load', 'real', 'rows']

_SEED_SETTINGS = ('seed', 'num_seeds')
# Entries of the corpus record that decide whether measures are comparable.
_DATA_KEYS = (
  'files',
  'origin',
  'seed',
  'codec',
  'test_sha256',
  'test_lines',
  'vocab_size',
  'length',
)


class RunGroup(NamedTuple):
  """Runs that differ only in their seeds; usually a single run.

  Attributes:
    name: name of the group in tables.
    runs: the runs, in the given order.
  """

  name: str
  runs: tuple[FinishedRun, ...]

  @property
  def first(self) -> FinishedRun:
    return self.runs[0]

  @property
  def seeds(self) -> int:
    return sum(_num_seeds(run) for run in self.runs)


def fold(runs: Sequence[FinishedRun]) -> list[RunGroup]:
  """Groups the runs that differ only in their seeds, in the given order.

  Two runs with the same settings and the same seed stay separate, since their
  values are not independent.

  Raises:
    UserError: a folder occurs twice.
  """
  places = [run.path.resolve() for run in runs]
  for run, place in zip(runs, places):
    if places.count(place) > 1:
      raise UserError(f'{run.path} was given twice; name each run once')
  names = _names(places)
  groups: list[tuple[str, list[int]]] = []
  for i, run in enumerate(runs):
    settings = {k: v for k, v in run.config.items() if k not in _SEED_SETTINGS}
    identity = json.dumps(
      [settings, _measured_on(run)], sort_keys=True, default=str
    )
    seed = run.config.get('seed')
    for known, members in groups:
      seeds = [runs[j].config.get('seed') for j in members]
      if known == identity and seed not in seeds:
        members.append(i)
        break
    else:
      groups.append((identity, [i]))
  member_names = [[names[i] for i in members] for _, members in groups]
  short = [_common_name(those) for those in member_names]
  return [
    RunGroup(
      name if short.count(name) == 1 else ' + '.join(those),
      tuple(runs[i] for i in members),
    )
    for name, those, (_, members) in zip(short, member_names, groups)
  ]


def benches(groups: Sequence[RunGroup]) -> list[list[RunGroup]]:
  """Returns lists of groups that can share a table, in the given order.

  Groups can share a table if corpus, data, vocabulary and protocol are equal.
  """
  found: dict[str, list[RunGroup]] = {}
  for group in groups:
    found.setdefault(_measured_on(group.first), []).append(group)
  return list(found.values())


def _measured_on(run: FinishedRun) -> str:
  """Returns corpus, data, vocabulary and protocol of a run as JSON."""
  record = run.corpus_file.get('record', {})
  data = {key: record[key] for key in _DATA_KEYS if key in record}
  shared = [run.corpus, run.benchmark, run.stands_in, run.protocol, data]
  return json.dumps(shared, sort_keys=True)


def rows(group: RunGroup) -> list[Row]:
  """Returns the rows of a group, without real text.

  Values are [seeds], concatenated over the runs. A measure that one of the
  runs lacks is left out.
  """
  keys = dict.fromkeys(row.key for run in group.runs for row in run.rows)
  found = []
  for key in keys:
    if _is_real(key):
      continue
    those = [r for run in group.runs for r in run.rows if r.key == key]
    values = _over_seeds([r.values for r in those])
    classes = {
      name: _over_seeds([r.classes[name] for r in those])
      for name in those[0].classes
      if all(name in r.classes for r in those)
    }
    notes = [r.note for r in those if r.note]
    if len(those) < len(group.runs):
      notes.append(f'from {len(those)} of {len(group.runs)} runs')
    note = '; '.join(dict.fromkeys(notes))
    found.append(those[0]._replace(values=values, note=note, classes=classes))
  return found


def _over_seeds(
  values: Sequence[dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
  """Concatenates the values [seeds] of measures that all runs have."""
  shared = [k for k in values[0] if all(k in one for one in values)]
  return {k: np.concatenate([one[k] for one in values]) for k in shared}


def real(groups: Sequence[RunGroup]) -> list[Row]:
  """Returns the rows of real text, without duplicates."""
  found: list[Row] = []
  for run in itertools.chain.from_iterable(group.runs for group in groups):
    for row in run.rows:
      if _is_real(row.key) and not any(_equal(row, known) for known in found):
        found.append(row)
  return found


def _num_seeds(run: FinishedRun) -> int:
  measured = [r for r in run.rows if not _is_real(r.key)]
  return max((len(v) for r in measured for v in r.values.values()), default=1)


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
  """Returns the shortest path suffixes that are all different."""
  for depth in range(1, max((len(p.parts) for p in places), default=1) + 1):
    names = ['/'.join(p.parts[-depth:]) for p in places]
    if len(set(names)) == len(names):
      break
  return names


def _common_name(names: Sequence[str]) -> str:
  """Returns one name for a group: the common prefix without the seed."""
  if len(names) == 1:
    return names[0]
  start = os.path.commonprefix(list(names))  # noqa: RUF071 (letters)
  start = re.sub(r'([-_. ]+(seeds?|s|run)?)?[-_. ]*\d*$', '', start)
  return f'{start or names[0]} ({len(names)} runs)'
