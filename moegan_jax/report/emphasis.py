"""Marks of degenerate rows, and the best row of each measure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.metrics import METRICS, guards
from moegan_jax.report.rows import Row, Spread, finite


def mark(row: Row, real: Sequence[Row]) -> Row:
  """Marks a row if any of its seeds has collapsed or memorised.

  Args:
    row: a measured row.
    real: the rows of real text under the same protocol.

  Returns:
    The row. A marked row has the marks in its label, and the reasons in its
    note.
  """
  of_real = {one.key: _means(one.values) for one in real}
  seeds = _per_seed(row.values)
  reasons: dict[str, list[str]] = {}
  for values in seeds:
    for reason in _marks(values, of_real):
      reasons.setdefault(reason.partition(':')[0], []).append(reason)
  for name, values_of_class in row.classes.items():
    for values in _per_seed(values_of_class):
      for reason in _marks_of_class(name, values, real):
        reasons.setdefault(reason.partition(':')[0], []).append(reason)
  if not reasons:
    return row
  notes = []
  for those in reasons.values():
    where = f' (in {len(those)} of {len(seeds)} seeds)'
    notes.append(those[0] + (where if len(seeds) > 1 else ''))
  return row._replace(
    label=f'{row.label} ({", ".join(reasons)})',
    note='; '.join(filter(None, (row.note, *notes))),
  )


def winners(
  rows: Sequence[Row], real: Sequence[Row]
) -> tuple[dict[str, int], list[str]]:
  """Finds the best row of each measure.

  A generator can gain quality by giving up diversity, for example at a low
  temperature. A row is therefore disqualified as the best row of a measure of
  quality if it is marked, or if it is less diverse than the MLE generator that
  it started from, or easier to tell from real text.

  Args:
    rows: of one or several runs, one run after the other. The MLE generator of
      a row is the nearest row before it with the key 'start'.
    real: the rows of real text.

  Returns:
    Key of a measure -> index of its best row, and one line for each
    disqualified row. Measures that are best at the value of real text, or that
    fewer than two rows have, are left out.
  """
  values = [_means(row.values) for row in rows]
  of_real = {one.key: _means(one.values) for one in real}
  starts: list[dict[str, float] | None] = []
  for row, value in zip(rows, values):
    previous = starts[-1] if starts else None
    starts.append(value if row.key == 'start' else previous)
  text = of_real.get('real_test') or of_real.get('real_train') or {}
  best: dict[str, int] = {}
  disqualified: dict[int, str] = {}
  for key, metric in METRICS.items():
    having = [
      i for i, v in enumerate(values) if np.isfinite(v.get(key, np.nan))
    ]
    if metric.better == 'real' or len(having) < 2:
      continue
    sign = 1 if metric.better == 'higher' else -1
    first = max(having, key=lambda i: sign * values[i][key])
    if metric.kind == 'quality':
      marks = _marks(values[first], of_real)
      for name, values_of_class in rows[first].classes.items():
        marks += _marks_of_class(name, _means(values_of_class), real)
      reason = '; '.join(marks)
      mle = starts[first]
      if not reason and mle is not None and rows[first].key != 'start':
        reason = guards.worse_than_mle(values[first], mle, text)
      if reason:
        disqualified[first] = reason
        continue
    best[key] = first
  notes = [
    f'{rows[i].label} leads in quality and is not emphasised: {reason}'
    for i, reason in disqualified.items()
  ]
  return best, notes


def _marks(
  values: Mapping[str, float], of_real: Mapping[str, dict[str, float]]
) -> list[str]:
  """Returns the marks of a row; `of_real` has the rows of real text by key."""
  return guards.marks(
    values, of_real.get('real_train'), of_real.get('real_test')
  )


def _marks_of_class(
  name: str, values: Mapping[str, float], real: Sequence[Row]
) -> list[str]:
  """Returns the marks of one class, such as 'collapsed in pos: REASON'."""
  of_real = {r.key: _means(r.classes[name]) for r in real if name in r.classes}
  found = (mark.partition(':') for mark in _marks(values, of_real))
  return [f'{mark} in {name}:{reason}' for mark, _, reason in found]


def _per_seed(values: Mapping[str, Any]) -> list[dict[str, float]]:
  """Splits values over seeds into one dict per seed."""
  arrays = {
    k: np.atleast_1d(np.asarray(v, np.float64))
    for k, v in values.items()
    if not isinstance(v, Spread)
  }
  count = max((len(v) for v in arrays.values()), default=0)
  return [
    {k: float(v[i % len(v)]) for k, v in arrays.items()} for i in range(count)
  ]


def _means(values: Mapping[str, Any]) -> dict[str, float]:
  """Averages each value over the seeds that have it."""
  return {
    k: v.mean if isinstance(v, Spread) else float(finite(v).mean())
    for k, v in values.items()
  }
