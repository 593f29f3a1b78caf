"""Tables of measures: markdown for files, aligned columns for a terminal.

A value is a number or an array over seeds; more than one seed gives the mean
± the standard deviation (ddof = 1), three decimals. A missing value is '-'.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.metrics import MEASURES, METRICS, SUFFIXES
from moegan_jax.report.emphasis import mark, winners
from moegan_jax.report.published import LABELS, Row, Spread, finite, ranked

_ORDER = (*METRICS, *LABELS)
# These begin a block of their own where a table is too wide for a terminal.
_BREAK = 'self_bleu2'
_WIDTH = 100

# What a measure tells, by `Metric.kind`, in the order of the page.
KINDS = {
  'both': 'Closeness to real text',
  'quality': 'Quality',
  'diversity': 'Diversity',
  '': 'Copying and length',
}
# Families that say in many numbers what the tables before say in few.
DETAILS = {
  *MEASURES['backward_bleu'].columns,
  *MEASURES['ngrams'].columns,
  'ngram_js1',
  'ngram_js2',
  'ngram_js4',
}
_PROTOCOL = ('hypotheses', 'references', 'casing', 'tokeniser', 'smoothing')


def markdown(
  rows: Sequence[Row],
  columns: Sequence[str] | None = None,
  best: Mapping[str, int] | None = None,
) -> str:
  """A markdown table; notes and sources stand below it, numbered.

  Args:
    rows: of one group; see `Row`.
    columns: keys of measures, in this order; all that occur by default.
    best: measure -> index of the row whose cell is emphasised; see `winners`.
  """
  columns = present(rows) if columns is None else list(columns)
  labels, below = numbered(rows)
  table = _grid(rows, labels, columns, best or {})
  return f'{table}\n\n{below}\n' if below else f'{table}\n'


def _grid(
  rows: Sequence[Row],
  labels: Sequence[str],
  columns: Sequence[str],
  best: Mapping[str, int],
) -> str:
  """The lines of a markdown table, without rows that have nothing to show."""
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


def numbered(rows: Sequence[Row]) -> tuple[list[str], str]:
  """Labels with the numbers of their notes, and the notes as a list."""
  notes: dict[str, int] = {}
  labels = []
  for row in rows:
    text = ': '.join(part for part in (row.source, said(row)) if part)
    number = notes.setdefault(text, len(notes) + 1) if text else ''
    labels.append(f'{row.label} [{number}]' if text else row.label)
  return labels, '\n'.join(f'* [{n}] {text}' for text, n in notes.items())


def said(row: Row) -> str:
  """The note of a row, with the standard errors of its values if it has any.

  One seed has no deviation; what it has is the error of its samples. Real
  text measured against its own distribution has none.
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
  """Aligned columns, in several blocks if 100 characters are not enough."""
  columns = present(rows) if columns is None else list(columns)
  first = max([len(row.label) for row in rows], default=0)
  cells = {
    key: [heading(key), *(cell(row.values.get(key)) for row in rows)]
    for key in columns
  }
  widths = {key: max(map(len, column)) for key, column in cells.items()}
  whole = first + sum(2 + width for width in widths.values())
  blocks: list[list[str]] = [[]]
  room = _WIDTH - first
  for key in columns:
    too_wide = blocks[-1] and room < 2 + widths[key]
    if too_wide or (key == _BREAK and whole > _WIDTH and blocks[-1]):
      blocks.append([])
      room = _WIDTH - first
    blocks[-1].append(key)
    room -= 2 + widths[key]
  labels = ['', *(row.label for row in rows)]
  return '\n'.join(
    ''.join(
      [name.ljust(first)]
      + ['  ' + cells[key][i].rjust(widths[key]) for key in block]
    ).rstrip()
    + ('\n' if i == len(rows) and block is not blocks[-1] else '')
    for block in blocks
    for i, name in enumerate(labels)
  )


def results(
  ours: Sequence[Row],
  real: Sequence[Row],
  corpus: str,
  protocol: Mapping[str, Any],
  published_rows: bool = True,
) -> str:
  """The markdown of a run's results.

  Args:
    ours: what was measured, one row a stage (after MLE, last, best, ...).
    real: rows of real text under the same protocol.
    corpus: its name; that decides which published rows belong here.
    protocol: see `protocol_line`.
    published_rows: False where the run's data only stand in for the corpus.
  """
  best, denied = winners(ours, real)
  shown = [mark(row, real) for row in ours] + list(real)
  columns = present(shown)
  of_text = any('bleu' in key for key in columns)
  parts = [
    f'# Results on {corpus}\n',
    protocol_line(protocol, of_text) + '\n',
    *_blocks(shown, columns, best),
    ''.join(f'* {line}\n' for line in denied),
    _legend(columns),
  ]
  groups = ranked(corpus) if published_rows else {}
  if groups:
    parts.append('## Published\n')
    parts.append(
      'NLL_gen in print is per position on training data: hold it against '
      f'{heading("nll_train")}, not against {heading("nll_test")}. The notes '
      'say what else is comparable; ± is as printed.\n'
    )
  for name, rows in groups.items():
    parts.extend([f'### Not in this ranking: {name}\n'] if name else [])
    parts.append(markdown(rows))
  return '\n'.join(parts)


def _blocks(
  rows: Sequence[Row], columns: Sequence[str], best: Mapping[str, int]
) -> list[str]:
  """One table for each kind of measure: all in one would be too wide."""
  labels, below = numbered(rows)
  found = [
    f'## {title}\n\n{_grid(rows, labels, keys, best)}\n'
    for title, keys in blocks(columns).items()
  ]
  return [*found, f'{below}\n'] if below else found


def blocks(columns: Sequence[str]) -> dict[str, list[str]]:
  """Title -> measures: by what they tell, families of many numbers last."""
  found: dict[str, list[str]] = {title: [] for title in KINDS.values()}
  found['In detail'] = []
  for key in columns:
    kind = METRICS[key].kind if key in METRICS else ''
    found['In detail' if key in DETAILS else KINDS[kind]].append(key)
  return {title: keys for title, keys in found.items() if keys}


def protocol_line(protocol: Mapping[str, Any], of_text: bool = True) -> str:
  """One line that says how the numbers were made.

  Args:
    protocol: hypotheses and references (how many), casing, tokeniser and
      smoothing; what is missing is called 'not stated'. More keys follow.
    of_text: False where BLEU makes no sense (ids of a synthetic oracle);
      then nothing but the protocol's own keys is said.
  """
  known = {key: protocol.get(key, 'not stated') for key in _PROTOCOL}
  items = {**known, **protocol} if of_text else protocol
  said = ', '.join(
    f'{key} {value:,}' if isinstance(value, int) else f'{key} {value}'
    for key, value in items.items()
  )
  bleu = (
    'BLEU is the mean over hypotheses against all references, Self-BLEU is '
    'leave-one-out over all hypotheses. '
  )
  return (
    f'Protocol: {said or "not stated"}. {bleu if of_text else ""}'
    '± is the standard deviation over seeds.'
  )


def heading(key: str) -> str:
  """The head of a measure's column."""
  return METRICS[key].label if key in METRICS else LABELS.get(key, key)


def cell(value: Any) -> str:
  """A number, an array over seeds or a Spread, to three decimals.

  Seeds that diverged do not count.
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
  """The measures that occur, those of METRICS first and in its order."""
  there = dict.fromkeys(
    key for row in rows for key in row.values if not key.endswith(SUFFIXES)
  )
  known = [key for key in _ORDER if key in there]
  return known + [key for key in there if key not in _ORDER]


def _legend(columns: Sequence[str]) -> str:
  """What each of our measures is and which way is better.

  One line for a family such as BLEU-2 .. BLEU-5, in the words of its last.
  """
  words = {'real': 'best at the value of real text'}
  families: dict[str, list[str]] = {}
  for key in columns:
    if key in METRICS:
      families.setdefault(re.sub(r'\d+', '#', key), []).append(key)
  lines = []
  for keys in families.values():
    metric = METRICS[keys[-1]]
    first = heading(keys[0])
    label = f'{first} .. {metric.label}' if len(keys) > 1 else first
    side = words.get(metric.better, f'{metric.better} is better')
    lines.append(f'* {label}: {metric.text}; {side}\n')
  return ''.join(lines)
