"""Tables as the HTML templates show them: formatted cells, marks, notes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from moegan_jax.metrics import METRICS, SUFFIXES
from moegan_jax.report import by_class, emphasis, runs, table
from moegan_jax.report.curves import PAIRS, volumes
from moegan_jax.report.history import temperature_curves
from moegan_jax.report.published import ranked
from moegan_jax.report.rows import Row
from moegan_jax.report.runs import RunGroup

# Measures of the tiles at the head of the page; the first four that exist.
_TILES = (
  'jeffreys',
  'nll_oracle',
  'bleu4',
  'self_bleu4',
  'auc',
  'nll_test_token',
  'distinct_sentences',
)
_TILE_ROWS = ('last', 'start')  # the first that exists
_ARROWS = {'higher': '↑', 'lower': '↓', 'real': '≈'}


class DisplayCell(NamedTuple):
  """A formatted value.

  Attributes:
    mean: the value.
    spread: the standard deviation over seeds, '± 0.004'; for one seed its
      standard error, 'se 0.004', if known; else ''.
    hint: the 95 % interval if known, else ''.
    best: whether the cell is bold.
  """

  mean: str
  spread: str
  hint: str
  best: bool


class DisplayRow(NamedTuple):
  """A row of a table.

  Attributes:
    label: name of the row.
    mark: such as 'collapsed', or ''.
    number: of its footnote; 0 for none.
    cells: key of a measure -> cell.
  """

  label: str
  mark: str
  number: int
  cells: dict[str, DisplayCell]


class MeasureBlock(NamedTuple):
  """Measures of one kind.

  Attributes:
    title: the kind.
    measures: the measures, each with its column head.
  """

  title: str
  measures: list[dict[str, str]]


class DisplayTable(NamedTuple):
  """A table of measured rows.

  Attributes:
    blocks: the measures by kind.
    ours: measured rows, group by group.
    real: rows of real text.
    groups: name of a group and its number of rows in `ours`, in order.
    notes: footnotes; the first has number 1.
    disqualified: rows that lead in quality and are not bold, with reasons.
  """

  blocks: list[MeasureBlock]
  ours: list[DisplayRow]
  real: list[DisplayRow]
  groups: list[tuple[str, int]]
  notes: list[str]
  disqualified: list[str]


def named_rows(groups: Sequence[RunGroup]) -> list[Row]:
  """Returns the measured rows of groups; labels start with the group's name."""
  return [
    row._replace(label=f'{group.name}: {row.label}')
    for group in groups
    for row in runs.rows(group)
  ]


def results_table(groups: Sequence[RunGroup]) -> DisplayTable:
  """Formats the rows of groups that share a table."""
  truth = runs.real(groups)
  members = [runs.rows(group) for group in groups]
  ours = [row for rows in members for row in rows]
  named = named_rows(groups) if len(groups) > 1 else ours
  best, disqualified = emphasis.winners(named, truth)
  notes: dict[str, int] = {}

  def display(row: Row, index: int = -1) -> DisplayRow:
    marked = emphasis.mark(row, truth) if index >= 0 else row
    note = marked.note  # cells show the standard errors
    return DisplayRow(
      row.label,
      marked.label[len(row.label) :].strip(' ()'),
      notes.setdefault(note, len(notes) + 1) if note else 0,
      {
        key: _cell(row, key, index >= 0 and best.get(key) == index)
        for key in row.values
        if not key.endswith(SUFFIXES)
      },
    )

  return DisplayTable(
    blocks=[
      MeasureBlock(title, [_column(key) for key in keys])
      for title, keys in table.blocks(table.present([*ours, *truth])).items()
    ],
    ours=[display(row, i) for i, row in enumerate(ours)],
    real=[display(row) for row in truth],
    groups=[(g.name, len(rows)) for g, rows in zip(groups, members)],
    notes=list(notes),
    disqualified=disqualified,
  )


def class_table(ours: Sequence[Row], truth: Sequence[Row]) -> dict[str, Any]:
  """Formats the rows of each class.

  Args:
    ours: measured rows.
    truth: rows of real text.

  Returns:
    'measures', and 'rows' as `DisplayRow`s; no rows without classes.
  """
  rows = by_class.rows(ours, truth)
  keys = by_class.columns(rows)
  return {
    'measures': [_column(key) for key in keys],
    'rows': [
      _display(row, [key for key in keys if key in row.values]) for row in rows
    ],
  }


def published_tables(
  benchmark: str, ours: Sequence[Row]
) -> list[dict[str, Any]]:
  """Formats published rows, one table per group.

  Args:
    benchmark: whose published rows are comparable; '' for none.
    ours: measured rows, shown above those of the main group.
  """
  tables = []
  for name, rows in ranked(benchmark).items():
    keys = list(dict.fromkeys(k for row in rows for k in row.values))
    notes: dict[str, int] = {}
    displayed = []
    for row in rows:
      note = ': '.join(part for part in (row.source, row.note) if part)
      number = notes.setdefault(note, len(notes) + 1) if note else 0
      displayed.append(_display(row, keys, number))
    tables.append(
      {
        'name': name,
        'measures': [_column(key) for key in keys],
        'rows': displayed,
        'ours': [
          _display(row, keys)
          for row in ([] if name else ours)
          if any(k in row.values for k in keys)
        ],
        'notes': list(notes),
      }
    )
  return tables


def tiles(ours: Sequence[Row], truth: Sequence[Row]) -> list[dict[str, Any]]:
  """Returns up to four measures of the trained system for the page's head.

  The values of the MLE generator and of real text are shown beside them.
  """
  rows = {row.key: row for row in (*ours, *truth)}
  main = next((rows[key] for key in _TILE_ROWS if key in rows), None)
  if main is None:
    return []
  found = []
  for key in _TILES:
    if key not in main.values:
      continue
    beside = []
    if main.key != 'start' and key in rows.get('start', main).values:
      start = rows['start']
      beside.append((start.label, _cell(start, key)))
    for name in ('real_test', 'real_train'):
      if name in rows and key in rows[name].values:
        beside.append((rows[name].label, _cell(rows[name], key)))
        break
    found.append({**_column(key), 'cell': _cell(main, key), 'beside': beside})
  return found[:4]


def hypervolumes(groups: Sequence[RunGroup]) -> dict[str, Any]:
  """Returns the hypervolumes of all temperature curves.

  Returns:
    'pairs': names of `curves.PAIRS` that occur. 'rows': name of the group and
    a `DisplayRow` for each curve.
  """
  rows = []
  for group in groups:
    curves = temperature_curves(group)
    for phase, curve in curves.phases.items() if curves else ():
      values = {k: np.array(v) for k, v in volumes(curve).items()}
      if values:
        row = Row(group.first.label_of(phase), values)
        rows.append((group.name, _display(row, values)))
  pairs = [p for p in PAIRS if any(p in row.cells for _, row in rows)]
  return {'pairs': pairs, 'rows': rows}


def _display(
  row: Row, keys: Sequence[str] | Mapping[str, Any], number: int = 0
) -> DisplayRow:
  return DisplayRow(row.label, '', number, {k: _cell(row, k) for k in keys})


def _cell(row: Row, key: str, best: bool = False) -> DisplayCell:
  mean, _, spread = table.cell(row.values.get(key)).partition(' ± ')
  error, low, high = (
    np.ravel(row.values.get(key + suffix, []))
    for suffix in ('_se', '_low', '_high')
  )
  if spread:
    spread = f'± {spread}'
  elif len(error) == 1 and error[0]:  # values of an oracle have none
    spread = f'se {error[0]:.3f}'
  single = len(low) == len(high) == 1
  hint = f'95 % interval {low[0]:.3f} to {high[0]:.3f}' if single else ''
  return DisplayCell(mean, spread, hint, best)


def _column(key: str) -> dict[str, str]:
  """Returns the column head of a measure and its explanation."""
  metric = METRICS.get(key)
  return {
    'key': key,
    'label': table.heading(key),
    'sign': _ARROWS[metric.better] if metric else '',
    'side': table.BETTER[metric.better] if metric else '',
    'text': metric.text if metric else '',
  }
