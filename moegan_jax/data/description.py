"""Prints the record of a corpus as a table of plain lines."""

import string
from typing import Any

LABEL = 12  # width of the column of labels
# Label, template. A row is omitted if the record lacks a key of the template.
_ROWS = (
  ('corpus', '{name} ({codec} tokens)'),
  ('origin', '{origin}'),
  ('', 'sentences drawn with seed {seed}'),
  ('format', '{format}'),
  ('read', '{lines_read:,} lines, of which {lines_kept:,} are used'),
  ('training', '{train_lines:,} lines, and {valid_lines:,} for validation'),
  ('', 'longest {train_max_length}, mean {train_mean_length:.1f} tokens'),
  ('labels', '{labels}; read with generator.conditional=True'),
  ('test', '{test_lines:,} lines, {test_cut:,} of them cut at T'),
  ('', 'longest {test_max_length}, mean {test_mean_length:.1f} tokens'),
  (
    '',
    '{test_dropped:,} drawn lines ({test_dropped_share:.1%}) left out because'
    ' training has them',
  ),
  (
    'vocabulary',
    '{vocabulary:,} of training, V = {vocab_size:,}, T = {length}',
  ),
  ('', 'of {vocabulary_read:,} that were read, cut by {vocabulary_cut}'),
  (
    'lengths',
    'half of the training lines have at most {length_50} tokens,'
    ' 90 % {length_90}, 99 % {length_99}, the longest {length_100}',
  ),
  ('', 'T is {length_by}'),
  (
    'unknown',
    '{test_unknown_tokens:.1%} of test tokens, in {test_unknown_lines:.1%}'
    ' of test lines',
  ),
  (
    'overlap',
    '{overlap_lines:,} test lines occur in training'
    ' ({overlap_sentences:,} distinct sentences)',
  ),
  (
    'split',
    'a classifier tells training from test text with AUC'
    ' {split_auc:.3f} (.5: alike)',
  ),
  (
    'duplicates',
    '{train_duplicates:,} of the training lines,'
    ' {test_duplicates:,} of the test lines',
  ),
)


def describe(record: dict[str, Any], width: int = LABEL) -> str:
  """Formats a record as aligned lines.

  Args:
    record: the record of a corpus.
    width: minimum width of the column of labels.

  Returns:
    The lines. Strings and numbers without a row above follow under their own
    key, except checksums; `dropped` and `notes` (lists of strings) are last.
  """
  rows, known = [], set()
  for label, template in _ROWS:
    fields = {field for _, field, _, _ in string.Formatter().parse(template)}
    fields.discard(None)
    if fields <= record.keys():
      known |= fields
      rows.append((label, template.format(**record)))
  rows += [
    (
      key.replace('_', ' '),
      f'{value:.4g}' if isinstance(value, float) else str(value),
    )
    for key, value in record.items()
    if key not in known
    and isinstance(value, str | int | float)
    and not key.endswith('sha256')
  ]
  rows += [('dropped', line) for line in record.get('dropped', ())]
  rows += [('note', note) for note in record.get('notes', ())]
  width = max([width, *(len(label) + 2 for label, _ in rows)])
  return '\n'.join(f'{label:<{width}}{line}' for label, line in rows)
