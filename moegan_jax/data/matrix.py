"""A corpus from a memory-mapped matrix of ids, for files beyond memory.

The file is checked once, block by block. Training reads the rows that it draws.
"""

import pathlib
from collections.abc import Iterator

import numpy as np

from moegan_jax.data.codecs import CODECS
from moegan_jax.data.corpus import MIN_LINES, PAD, Corpus, array_sha256
from moegan_jax.data.texts import recorded
from moegan_jax.errors import UserError
from moegan_jax.paths import expand

LINES = 10_000  # lines of each part that are kept as text for measures
HELD_OUT = 100_000  # maximum number of lines of a held-out part
_BLOCK = 1 << 16  # rows checked at a time


def load_matrix(
  *,
  path: str,
  test_path: str = '',
  test_share: float = 0.1,
  valid_share: float = 0.05,
) -> Corpus:
  """Loads a corpus from a .npy file of int32 [N, T]; 0 is pad and end.

  Args:
    path: the file. Its ids are kept; V is the largest id plus one.
    test_path: file of test lines with the same T. '' takes the last lines of
      `path`, because a large file is not shuffled.
    test_share: share of lines for the test part if test_path is ''.
    valid_share: share of training lines, counted from the end, for the
      validation part. Both parts have at most HELD_OUT lines.

  Returns:
    The corpus. Its arrays are views of the file. Its sentences are the first
    LINES of each part.

  Raises:
    UserError: a file is missing, holds another type of array, or is too
      short, or a share is out of range.
  """
  if not path:
    raise UserError('no file given: set --config.data.path to a .npy file')
  if not test_path and not 0 < test_share < 1:
    raise UserError(
      f'data.test_share is {test_share}: choose it between 0 and 1'
    )
  train = _open(path)
  if test_path:
    test = _open(test_path)
    if test.shape[1] != train.shape[1]:
      raise UserError(
        f'{test_path} has {test.shape[1]} columns and {path} has '
        f'{train.shape[1]}: give both the same'
      )
  else:
    held_out = min(HELD_OUT, max(1, int(len(train) * test_share)))
    train, test = train[:-held_out], train[-held_out:]
  if len(train) < MIN_LINES:
    raise UserError(
      f'{path}: {len(train)} training lines are too few, at least {MIN_LINES}'
      ' are needed: give a larger file'
    )
  largest, mean = _check(train, path)
  before = 0 if test_path else len(train)
  largest = max(largest, _check(test, test_path or path, before)[0])
  split = len(train) - min(HELD_OUT, int(len(train) * valid_share))
  notes = ['the file is not shuffled: held-out lines are its last ones']
  if max(split, len(test)) > LINES:
    notes.append(f'measures of text see the first {LINES:,} lines of a part')
  record = {
    'name': pathlib.Path(path).stem,
    'codec': 'ids',
    'origin': ', '.join(filter(None, (path, test_path))),
    'format': 'a matrix of ids, memory-mapped',
    'train_lines': split,
    'valid_lines': len(train) - split,
    'test_lines': len(test),
    'vocabulary': largest,
    'vocab_size': largest + 1,
    'length': train.shape[1],
    'mean_length': mean,
    'train_sha256': array_sha256(train),
    'test_sha256': array_sha256(test),
    'notes': notes[bool(test_path) :],
    'paths': recorded(train=path, test=test_path),
  }
  corpus = Corpus(
    name=record['name'],
    train=train[:split],
    valid=train[split:],
    test=test,
    vocab_size=largest + 1,
    pad=PAD,
    codec=CODECS['ids'],
    record=record,
    vocabulary=('', *map(str, range(1, largest + 1))),
  )
  for part in ('train', 'valid', 'test'):
    some = corpus.words(getattr(corpus, part)[:LINES])
    getattr(corpus, f'{part}_words').extend(some)
  return corpus


def _open(path: str) -> np.ndarray:
  """Memory-maps the matrix of a file."""
  try:
    array = np.load(expand(path), mmap_mode='r', allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    reason = getattr(error, 'strerror', None) or str(error).split('\n')[0]
    raise UserError(f'{path} cannot be read as .npy: {reason}') from None
  if getattr(array, 'ndim', 0) != 2 or array.dtype != np.int32:
    what = (
      f'{array.dtype} {list(array.shape)}' if hasattr(array, 'dtype') else ''
    )
    raise UserError(
      f'{path} holds {what or "no array"}: a matrix int32 [N, T] is needed '
      '(smaller files of other types: --config.data.name=text)'
    )
  return array


def _blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
  for first in range(0, len(array), _BLOCK):
    yield first, np.asarray(array[first : first + _BLOCK])


def _check(array: np.ndarray, path: str, before: int = 0) -> tuple[int, float]:
  """Checks that all rows are sentences.

  Args:
    array: int [n, T].
    path: of the file, for messages.
    before: number of preceding rows in the file, for messages.

  Returns:
    The largest id, and the mean length in tokens.

  Raises:
    UserError: an id is negative or follows on a 0, or all ids are 0.
  """
  largest, tokens = 0, 0
  for first, block in _blocks(array):
    ended = np.logical_or.accumulate(block == PAD, axis=1)
    for wrong, reason in (
      (block < 0, 'ids must not be negative'),
      (ended & (block != PAD), 'ids follow on a 0, which is pad and end'),
    ):
      if wrong.any():
        row = before + first + int(np.argmax(wrong.any(axis=1))) + 1
        raise UserError(f'{path}, row {row}: {reason}; mend the row')
    largest = max(largest, int(block.max(initial=0)))
    tokens += int((~ended).sum())
  if not largest:
    raise UserError(
      f'{path}: all ids are 0, which is pad; add 1 if your ids begin with 0'
    )
  return largest, tokens / len(array)
