"""Tables of measures: markdown for files, aligned columns for a terminal.

A value is a number or an array over seeds. Several seeds are shown as mean ±
standard deviation (ddof = 1) to three decimals; a missing value as '-'.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.metrics import MEASURES, METRICS, SUFFIXES
from moegan_jax.report.emphasis import mark, winners
from moegan_jax.report.published import LABELS, ranked
from moegan_jax.report.rows import Row, Spread, finite

_ORDER = (*METRICS, *LABELS)
# If a plain table is wider than _WIDTH characters, this measure starts a block.
_BREAK = 'self_bleu2'
_WIDTH = 100

# `Metric.kind` -> title, in the order of the tables.
KINDS = {
  'both': 'Closeness to real text',
  'quality': 'Quality',
  'diversity': 'Diversity',
  '': 'Copying and length',
}
DETAILS_TITLE = 'Details'
# Families of many columns that measure the same as the tables of KINDS.
DETAILS = {
  *MEASURES['backward_bleu'].columns,
  *MEASURES['ngrams'].columns,
  'ngram_js1',
  'ngram_js2',
  'ngram_js4',
}
BETTER = {
  'higher': 'higher is better',
  'lower': 'lower is better',
  'real': 'best at the value of real text',
}
PUBLISHED_NOTE = (
  'Published NLL_gen is per position on training data: compare it with '
  f'{METRICS["nll_train"].label}, not with {METRICS["nll_test"].label}. The '
  'notes state what else is comparable. ± is as printed.'
)
_PROTOCOL = ('hypotheses', 'references', 'casing', 'tokeniser', 'smoothing')


def markdown(
  rows: Sequence[Row],
  columns: Sequence[str] | None = None,
  best: Mapping[str, int] | None = None,
) -> str:
  """Formats rows as a markdown table with numbered notes below.

  Args:
    rows: of one group; see `Row`.
    columns: keys of measures, in this order; default: all that occur.
    best: measure -> index of the row whose cell is bold; see `winners`.
  """
  columns = present(rows) if columns is None else list(columns)
  labels, notes = footnotes(rows)
  table = grid(rows, labels, columns, best or {})
  return f'{table}\n\n{notes}\n' if notes else f'{table}\n'


def grid(
  rows: Sequence[Row],
  labels: Sequence[str],
  columns: Sequence[str],
  best: Mapping[str, int],
) -> str:
  """Formats the lines of a markdown table; rows without values are dropped."""
  lines = [
    ['', *(heading(key) for key in columns)],
    ['---', *('---:' for _ in columns)],
  ]
  for i, (row, label) in enumerate(zip(rows, labels)):
    cells = [cell(row.values.get(key)) for key in columns]
    emphasised = [
      f'**{text}**' if best.get(key) == i else text
      for key, text in zip(columns, cells)
    ]
    if not columns or set(cells) != {'-'}:
      lines.append([label, *emphasised])
  return '\n'.join(
    '| ' + ' | '.join(x.replace('|', '\\|') for x in line) + ' |'
    for line in lines
  )


def footnotes(rows: Sequence[Row]) -> tuple[list[str], str]:
  """Numbers the notes of rows.

  Returns:
    One label per row, followed by the number of its note; the notes as a list.
  """
  notes: dict[str, int] = {}
  labels = []
  for row in rows:
    text = ': '.join(part for part in (row.source, full_note(row)) if part)
    number = notes.setdefault(text, len(notes) + 1) if text else ''
    labels.append(f'{row.label} [{number}]' if text else row.label)
  return labels, '\n'.join(f'* [{n}] {text}' for text, n in notes.items())


def full_note(row: Row) -> str:
  """Returns the note of a row, with the standard errors of a single seed.

  Several seeds show their deviation in the cells instead. The values of an
  oracle have no standard error.
  """
  errors = {
    k: np.ravel(row.values[f'{k}_se'])
    for k in METRICS
    if k in row.values and f'{k}_se' in row.values
  }
  if not any(e.size == 1 and e[0] for e in errors.values()):
    return row.note
  listed = ', '.join(
    f'{METRICS[k].label} {e[0]:.3f}' for k, e in errors.items() if e.size == 1
  )
  return '; '.join(filter(None, (row.note, f'standard errors: {listed}')))


def plain(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
  """Formats rows as aligned columns, in blocks of at most 100 characters."""
  columns = present(rows) if columns is None else list(columns)
  first = max([len(row.label) for row in rows], default=0)
  cells = {
    key: [heading(key), *(cell(row.values.get(key)) for row in rows)]
    for key in columns
  }
  widths = {key: max(map(len, column)) for key, column in cells.items()}
  whole = first + sum(2 + width for width in widths.values())
  column_blocks: list[list[str]] = [[]]
  room = _WIDTH - first
  for key in columns:
    current = column_blocks[-1]
    too_wide = current and room < 2 + widths[key]
    if too_wide or (key == _BREAK and whole > _WIDTH and current):
      column_blocks.append([])
      room = _WIDTH - first
    column_blocks[-1].append(key)
    room -= 2 + widths[key]
  labels = ['', *(row.label for row in rows)]
  return '\n\n'.join(
    '\n'.join(
      ''.join(
        [label.ljust(first)]
        + ['  ' + cells[key][i].rjust(widths[key]) for key in block]
      ).rstrip()
      for i, label in enumerate(labels)
    )
    for block in column_blocks
  )


def results(
  ours: Sequence[Row],
  real: Sequence[Row],
  corpus: str,
  protocol: Mapping[str, Any],
  published_rows: bool = True,
) -> str:
  """Formats the results of a run as a markdown page.

  Args:
    ours: measured rows, one per stage (after MLE, last, best, ...).
    real: rows of real text under the same protocol.
    corpus: its name, which selects the published rows.
    protocol: see `protocol_line`.
    published_rows: False if the data of the run only replace the corpus.
  """
  best, disqualified = winners(ours, real)
  shown = [mark(row, real) for row in ours] + list(real)
  columns = present(shown)
  of_text = any('bleu' in key for key in columns)
  parts = [
    f'# Results on {corpus}\n',
    protocol_line(protocol, of_text) + '\n',
    *_kind_tables(shown, columns, best),
    ''.join(f'* {line}\n' for line in disqualified),
    _legend(columns),
  ]
  groups = ranked(corpus) if published_rows else {}
  if groups:
    parts.append(f'## Published\n\n{PUBLISHED_NOTE}\n')
  for name, rows in groups.items():
    parts.extend([f'### Not in this ranking: {name}\n'] if name else [])
    parts.append(markdown(rows))
  return '\n'.join(parts)


def _kind_tables(
  rows: Sequence[Row], columns: Sequence[str], best: Mapping[str, int]
) -> list[str]:
  """Formats one table per kind of measure, since one table is too wide."""
  labels, notes = footnotes(rows)
  found = [
    f'## {title}\n\n{grid(rows, labels, keys, best)}\n'
    for title, keys in blocks(columns).items()
  ]
  return [*found, f'{notes}\n'] if notes else found


def blocks(columns: Sequence[str]) -> dict[str, list[str]]:
  """Sorts measures by kind: title -> measures, `DETAILS` last."""
  found: dict[str, list[str]] = {title: [] for title in KINDS.values()}
  found[DETAILS_TITLE] = []
  for key in columns:
    kind = METRICS[key].kind if key in METRICS else ''
    found[DETAILS_TITLE if key in DETAILS else KINDS[kind]].append(key)
  return {title: keys for title, keys in found.items() if keys}


def protocol_line(protocol: Mapping[str, Any], of_text: bool = True) -> str:
  """Describes in one line how the values were computed.

  Args:
    protocol: hypotheses and references (numbers of sentences), casing,
      tokeniser, smoothing, and further entries; missing ones are 'not stated'.
    of_text: False for the ids of a synthetic oracle, where BLEU is undefined;
      then only the given entries are listed.
  """
  defaults = dict.fromkeys(_PROTOCOL, 'not stated') if of_text else {}
  entries = ', '.join(
    f'{key} {value:,}' if isinstance(value, int) else f'{key} {value}'
    for key, value in (defaults | dict(protocol)).items()
  )
  bleu = (
    'BLEU is averaged over hypotheses, each scored against all references. '
    'Self-BLEU is leave-one-out over all hypotheses. '
  )
  return (
    f'Protocol: {entries or "not stated"}. {bleu if of_text else ""}'
    '± is the standard deviation over seeds.'
  )


def heading(key: str) -> str:
  """Returns the column head of a measure."""
  return METRICS[key].label if key in METRICS else LABELS.get(key, key)


def cell(value: Any) -> str:
  """Formats a number, an array over seeds or a `Spread`, to three decimals.

  Seeds that diverged (NaN) are ignored.
  """
  if value is None:
    return '-'
  if isinstance(value, Spread):
    return f'{value.mean:.3f} ± {value.deviation:.3f}'
  seeds = finite(value)
  if seeds.size == 1:
    return f'{seeds[0]:.3f}'
  return f'{seeds.mean():.3f} ± {seeds.std(ddof=1):.3f}'


def present(rows: Sequence[Row]) -> list[str]:
  """Returns the measures that occur, in the order of METRICS, others last."""
  found = dict.fromkeys(
    key for row in rows for key in row.values if not key.endswith(SUFFIXES)
  )
  known = [key for key in _ORDER if key in found]
  return known + [key for key in found if key not in _ORDER]


def _legend(columns: Sequence[str]) -> str:
  """Describes each measure and its better side.

  A family such as BLEU-2 .. BLEU-5 gets one line, the text of its last member.
  """
  families: dict[str, list[str]] = {}
  for key in columns:
    if key in METRICS:
      families.setdefault(re.sub(r'\d+', '#', key), []).append(key)
  lines = []
  for keys in families.values():
    metric = METRICS[keys[-1]]
    first = heading(keys[0])
    label = f'{first} .. {metric.label}' if len(keys) > 1 else first
    lines.append(f'* {label}: {metric.text}; {BETTER[metric.better]}\n')
  return ''.join(lines)
