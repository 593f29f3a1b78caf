"""Tables of the text of each class of conditional generators."""

from collections.abc import Sequence

from moegan_jax.report import table
from moegan_jax.report.rows import Row

# Rows with a line for each class; those at other temperatures are left out.
ROWS = ('start', 'last', 'best', 'real_train', 'real_test')
# Measures of the text of a class, and those of the model given the class.
_TEXT: tuple[str, ...]
_TEXT = ('class_accuracy', 'bleu2', 'bleu3', 'bleu4', 'bleu5', 'self_bleu4')
_TEXT += ('auc', 'distinct_sentences')
_MODEL = ('nll_test_token', 'nll_oracle', 'kl_pq', 'kl_qp', 'jeffreys')
TITLE = 'Classes'


def rows(ours: Sequence[Row], real: Sequence[Row]) -> list[Row]:
  """Returns a row for each class of each row, class by class.

  Args:
    ours: measured rows.
    real: rows of real text.
  """
  known = [one for one in (*ours, *real) if one.key in ROWS]
  names = dict.fromkeys(name for one in known for name in one.classes)
  return [
    Row(f'{name}: {one.label}', one.classes[name], key=one.key)
    for name in names
    for one in known
    if name in one.classes
  ]


def columns(found: Sequence[Row]) -> list[str]:
  """Returns the measures of classes that occur."""
  known = (*_TEXT, *_MODEL)
  return [key for key in known if any(key in row.values for row in found)]


def plain(ours: Sequence[Row], real: Sequence[Row]) -> str:
  """Formats the table for a terminal; '' without classes."""
  found = rows(ours, real)
  parts = []
  for group in (_TEXT, _MODEL):
    keys = [key for key in columns(found) if key in group]
    those = [row for row in found if any(key in row.values for key in keys)]
    parts += [table.plain(those, keys)] if those else []
  return '\n'.join([TITLE, '\n\n'.join(parts)]) if parts else ''


def markdown(ours: Sequence[Row], real: Sequence[Row]) -> str:
  """Formats the table as a section of a markdown page; '' without classes."""
  found = rows(ours, real)
  if not found:
    return ''
  # Rows without values would number notes of standard errors.
  lines = table.grid(found, [row.label for row in found], columns(found), {})
  return f'## {TITLE}\n\n{lines}\n'
