"""Tables of measures: markdown for files, aligned columns for a terminal.

A value is a number or an array over seeds; more than one seed gives the mean
± the standard deviation (ddof = 1), three decimals. A missing value is '-'.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.metrics import METRICS, diversity
from moegan_jax.report.published import Row, Spread, published

# What published tables have and we do not compute.
_LABELS = {'nll_gen': 'NLL_gen', 'nll_sum': 'NLL oracle+gen'}
_ORDER = (*METRICS, *_LABELS)
# These begin a block of their own where a table is too wide for a terminal.
_BREAK = 'self_bleu2'
_WIDTH = 100

_PROTOCOL = ('hypotheses', 'references', 'casing', 'tokeniser', 'smoothing')


def markdown(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
  """A markdown table; notes and sources stand below it, numbered.

  Args:
    rows: of one group; see `Row`.
    columns: keys of measures, in this order; all that occur by default.
  """
  columns = _columns(rows) if columns is None else list(columns)
  notes: dict[str, int] = {}
  lines = []
  for row in rows:
    text = ': '.join(part for part in (row.source, row.note) if part)
    number = notes.setdefault(text, len(notes) + 1) if text else ''
    label = f'{row.label} [{number}]' if text else row.label
    lines.append([label, *(cell(row.values.get(key)) for key in columns)])
  head = ['', *(heading(key) for key in columns)]
  rule = ['---', *('---:' for _ in columns)]
  table = '\n'.join(
    '| ' + ' | '.join(x.replace('|', '\\|') for x in line) + ' |'
    for line in (head, rule, *lines)
  )
  below = '\n'.join(f'* [{number}] {text}' for text, number in notes.items())
  return f'{table}\n\n{below}\n' if below else f'{table}\n'


def plain(rows: Sequence[Row], columns: Sequence[str] | None = None) -> str:
  """Aligned columns, in several blocks if 100 characters are not enough."""
  columns = _columns(rows) if columns is None else list(columns)
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
  real: Row | None,
  corpus: str,
  protocol: Mapping[str, Any],
  published_rows: bool = True,
) -> str:
  """The markdown of a run's results.

  Args:
    ours: what was measured, one row a stage (after MLE, last, best, ...).
    real: real text under the same protocol, or None where there is none.
    corpus: its name; that decides which published rows belong here.
    protocol: see `protocol_line`.
    published_rows: False where the run's data only stand in for the corpus.
  """
  shown = [*(mark_collapsed(row, real) for row in ours)]
  shown += [real] if real else []
  columns = _columns(shown)
  of_text = any('bleu' in key for key in columns)
  parts = [
    f'# Results on {corpus}\n',
    protocol_line(protocol, of_text) + '\n',
    markdown(shown, columns),
    _legend(columns),
  ]
  groups: dict[str, list[Row]] = {}
  for row in published(corpus) if published_rows else []:
    groups.setdefault(row.group, []).append(row)
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


def mark_collapsed(row: Row, real: Row | None) -> Row:
  """The row, with a mark and the reason if any of its seeds has collapsed."""
  needed = ('distinct_sentences', 'self_bleu4')
  seeds = {
    key: np.atleast_1d(np.asarray(row.values[key], np.float64))
    for key in needed
    if key in row.values
  }
  theirs = {
    key: float(np.mean(real.values[key]))
    for key in needed
    if real and key in real.values
  }
  total = max([len(values) for values in seeds.values()], default=0)
  reasons = [
    diversity.collapsed({k: v[i % len(v)] for k, v in seeds.items()}, theirs)
    for i in range(total)
  ]
  found = [reason for reason in reasons if reason]
  if not found:
    return row
  where = f' in {len(found)} of {total} seeds' if total > 1 else ''
  note = f'collapsed{where}: {found[0]}'
  return row._replace(
    label=f'{row.label} (collapsed)',
    note=f'{row.note}; {note}' if row.note else note,
  )


def heading(key: str) -> str:
  """The head of a measure's column."""
  return METRICS[key].label if key in METRICS else _LABELS.get(key, key)


def cell(value: Any) -> str:
  """A number, an array over seeds or a Spread, to three decimals."""
  if value is None:
    return '-'
  if isinstance(value, Spread):
    return f'{value.mean:.3f} ± {value.deviation:.3f}'
  seeds = np.asarray(value, np.float64).ravel()
  if seeds.size == 1:
    return f'{seeds[0]:.3f}'
  return f'{seeds.mean():.3f} ± {seeds.std(ddof=1):.3f}'


def _columns(rows: Sequence[Row]) -> list[str]:
  """The measures that occur, those of METRICS first and in its order."""
  present = dict.fromkeys(key for row in rows for key in row.values)
  known = [key for key in _ORDER if key in present]
  return known + [key for key in present if key not in _ORDER]


def _legend(columns: Sequence[str]) -> str:
  """What each of our measures is and which way is better, a line each."""
  words = {'real': 'best at the value of real text'}
  return ''.join(
    f'* {heading(key)}: {METRICS[key].text}; '
    f'{words.get(METRICS[key].better, METRICS[key].better + " is better")}\n'
    for key in columns
    if key in METRICS
  )
