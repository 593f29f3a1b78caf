"""Which rows of a table carry a mark, and which cells may be emphasised."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.metrics import METRICS, guards
from moegan_jax.report.published import Row, Spread, finite


def mark(row: Row, real: Sequence[Row]) -> Row:
  """The row, marked if any of its seeds has collapsed or memorised.

  Args:
    row: measured.
    real: the rows of real text under the same protocol.
  """
  theirs = {one.key: _means(one.values) for one in real}
  seeds = _seeds(row.values)
  found: dict[str, list[str]] = {}
  for values in seeds:
    for said in guards.marks(
      values, theirs.get('real_train'), theirs.get('real_test')
    ):
      found.setdefault(said.partition(':')[0], []).append(said)
  if not found:
    return row
  notes = []
  for said in found.values():
    where = f' (in {len(said)} of {len(seeds)} seeds)' if len(seeds) > 1 else ''
    notes.append(said[0] + where)
  return row._replace(
    label=f'{row.label} ({", ".join(found)})',
    note='; '.join(filter(None, (row.note, *notes))),
  )


def winners(
  rows: Sequence[Row], real: Sequence[Row]
) -> tuple[dict[str, int], list[str]]:
  """Which row is best at each measure, and who was denied it.

  Quality alone is easily bought with diversity, so a row wins a measure of
  quality only if nothing says that it is less diverse, or easier to tell from
  real text, than the MLE generator it started from; nor may it be marked.

  Args:
    rows: of one run or of several, one run after the other. MLE of a row is
      the last one before it with the key 'pretrain'.
    real: the rows of real text.

  Returns:
    key of a measure -> index of the row, and a line for each row that was
    passed over.
  """
  values = [_means(row.values) for row in rows]
  theirs = {one.key: _means(one.values) for one in real}
  starts: list[dict[str, float] | None] = []
  for row, value in zip(rows, values):
    before = starts[-1] if starts else None
    starts.append(value if row.key == 'pretrain' else before)
  text = theirs.get('real_test') or theirs.get('real_train') or {}
  best: dict[str, int] = {}
  denied: dict[int, str] = {}
  for key, metric in METRICS.items():
    there = [i for i, v in enumerate(values) if np.isfinite(v.get(key, np.nan))]
    if metric.better == 'real' or len(there) < 2:
      continue
    sign = 1 if metric.better == 'higher' else -1
    first = max(there, key=lambda i: sign * values[i][key])
    if metric.kind == 'quality':
      marks = guards.marks(
        values[first], theirs.get('real_train'), theirs.get('real_test')
      )
      reason = '; '.join(marks)
      mle = starts[first]
      if not reason and mle is not None and rows[first].key != 'pretrain':
        reason = guards.worse_than_mle(values[first], mle, text)
      if reason:
        denied[first] = reason
        continue
    best[key] = first
  notes = [
    f'{rows[i].label} leads in quality and is not emphasised: {reason}'
    for i, reason in denied.items()
  ]
  return best, notes


def _seeds(values: Mapping[str, Any]) -> list[dict[str, float]]:
  """The values of each seed by itself."""
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
  """The mean of each value over the seeds that have it."""
  return {
    k: v.mean if isinstance(v, Spread) else float(finite(v).mean())
    for k, v in values.items()
  }
