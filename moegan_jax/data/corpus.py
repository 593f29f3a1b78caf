"""A corpus: arrays of token ids, what they mean, and where they come from.

Ids: 0 is pad and end, 1..U are the words of the training file in sorted order,
V = U + 1 output classes. Two more input rows exist: V is the start symbol,
V + 1 a word that training lacks ("unk"); neither can be generated.
"""

import collections
import dataclasses
import hashlib
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.data.codecs import Codec, get_codec
from moegan_jax.errors import UserError

PAD = 0
MIN_LINES = 20  # fewer training lines are a mistake, not a corpus
_AT_ONCE = 1 << 16  # rows of an array
UNKNOWN = '<unk>'  # how an out-of-vocabulary id is printed

Sentences = list[list[str]]


@dataclasses.dataclass(frozen=True)
class Corpus:
  """Real sequences, ready for the device.

  name: what it is called in records and tables
  train: int32 [N, T]
  valid: int32 [Nv, T], for selection and early stopping; may have no rows
  test: int32 [Nt, T]; unknown words are `unk`
  vocab_size: V, the output classes, pad included where there is one
  pad: 0, or None where every sequence has full length
  codec: how text becomes tokens and back
  record: JSON-able origin and figures, printed by `describe`
  oracle: the distribution the corpus was drawn from, where it is known
  vocabulary: the V strings of the ids, '' for pad; empty: ids are numbers
  train_words, valid_words, test_words: the sentences behind the arrays,
    uncut and with unknown words intact, as references for BLEU
  labels: 'train', 'valid', 'test' -> int32 [rows], an index into label_names;
    {} where there are none. Kept for systems that can use them.
  label_names: the classes, sorted
  """

  name: str
  train: np.ndarray
  valid: np.ndarray
  test: np.ndarray
  vocab_size: int
  pad: int | None
  codec: Codec
  record: dict[str, Any]
  oracle: Any = None
  train_words: Sentences = dataclasses.field(default_factory=list)
  valid_words: Sentences = dataclasses.field(default_factory=list)
  test_words: Sentences = dataclasses.field(default_factory=list)
  vocabulary: tuple[str, ...] = ()
  labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
  label_names: tuple[str, ...] = ()

  @classmethod
  def from_known(cls, known: Mapping[str, Any]) -> 'Corpus':
    """A corpus without its sentences, from what `known` gave.

    Raises:
      UserError: its codec needs a library that is missing.
    """
    nothing = np.zeros((0, known['length']), np.int32)
    return cls(
      name=known['name'],
      train=nothing,
      valid=nothing,
      test=nothing,
      vocab_size=known['vocab_size'],
      pad=known['pad'],
      codec=get_codec(known['codec'], known.get('codec_model', '')),
      record=known['record'],
      vocabulary=tuple(known['vocabulary']),
      label_names=tuple(known.get('label_names', ())),
    )

  def known(self) -> dict[str, Any]:
    """What a reader of a trained run needs, JSON-able: no sentences."""
    return {
      'name': self.name,
      'pad': self.pad,
      'codec': self.codec.name,
      'codec_model': self.codec.model,
      'vocab_size': self.vocab_size,
      'length': self.length,
      'train_size': len(self.train),
      'record': self.record,
      'vocabulary': self.vocabulary,
      'label_names': self.label_names,
    }

  @property
  def length(self) -> int:
    """T."""
    return self.train.shape[1]

  @property
  def start(self) -> int:
    return self.vocab_size

  @property
  def unk(self) -> int:
    return self.vocab_size + 1

  def words(self, tokens: np.ndarray) -> Sentences:
    """Sentences of tokens [n, T], each cut at its first pad."""
    rows = np.asarray(tokens).tolist()
    if self.pad is not None:
      rows = [r[: r.index(self.pad)] if self.pad in r else r for r in rows]
    return [[self._word(token) for token in row] for row in rows]

  def text(self, tokens: np.ndarray) -> list[str]:
    """Readable lines of tokens [n, T]."""
    return [self.codec.join(sentence) for sentence in self.words(tokens)]

  def encode(self, sentences: Iterable[Sequence[str]]) -> np.ndarray:
    """int32 [n, T] of sentences in words; longer ones are cut at T."""
    ids = {word: i for i, word in enumerate(self.vocabulary) if i != self.pad}
    if not self.vocabulary:
      ids = {str(i): i for i in range(self.vocab_size)}
    return encode(sentences, ids, length=self.length, unk=self.unk)

  def _word(self, token: int) -> str:
    if not 0 <= token < self.vocab_size:
      return UNKNOWN
    return self.vocabulary[token] if self.vocabulary else str(token)


def encode(
  sentences: Iterable[Sequence[str]],
  ids: dict[str, int],
  *,
  length: int,
  unk: int,
) -> np.ndarray:
  """int32 [n, T], padded with 0; words without an id become `unk`."""
  rows = [[ids.get(word, unk) for word in s[:length]] for s in sentences]
  out = np.full((len(rows), length), PAD, np.int32)
  for row, tokens in zip(out, rows):
    row[: len(tokens)] = tokens
  return out


def drop_long(sentences: Sentences, max_length: int) -> Sentences:
  """Sentences of at most max_length tokens; all of them for 0.

  They are dropped, not cut: a generator should not learn to stop in the
  middle of a sentence.
  """
  if not max_length:
    return sentences
  return [s for s in sentences if len(s) <= max_length]


def common_words(
  sentences: Sentences, min_count: int = 1, max_vocab: int = 0
) -> set[str]:
  """The words that occur at least min_count times, at most max_vocab of them.

  The commonest stay, of equally common ones the first in sorted order. A
  sentence with another word cannot be kept: a target in training needs a
  class, and "unk" has none, because it must never be generated. What occurs
  in the rest is the vocabulary (there perhaps less than min_count times: the
  rule is applied once).
  """
  counts = collections.Counter(word for s in sentences for word in s)
  words = sorted(counts, key=lambda word: (-counts[word], word))
  words = [word for word in words if counts[word] >= min_count]
  return set(words[:max_vocab] if max_vocab else words)


def array_sha256(array: np.ndarray) -> str:
  """Checksum of an int32 array's shape and contents, on any machine."""
  digest = hashlib.sha256(repr(array.shape).encode())
  for first in range(
    0, len(array), _AT_ONCE
  ):  # a file may be larger than memory
    rows = array[first : first + _AT_ONCE]
    digest.update(np.ascontiguousarray(rows, dtype='<i4').tobytes())
  return digest.hexdigest()


def build_corpus(
  *,
  name: str,
  codec: Codec,
  train: Sentences,
  test: Sentences,
  valid_share: float = 0.05,
  origin: str = '',
  record: dict[str, Any] | None = None,
  oracle: Any = None,
  labels: Mapping[str, Sequence[str]] | None = None,
) -> Corpus:
  """A corpus of sentences in words.

  Args:
    name: of the corpus.
    codec: for `words` and `text`.
    train: the whole training file; vocabulary and T come from it.
    test: held-out sentences; unknown words and any length are allowed.
    valid_share: the last share of `train` becomes the validation part.
    origin: where the sentences come from, in words.
    record: further JSON-able entries.
    oracle: the distribution behind the sentences, where it is known.
    labels: 'train' and 'test' -> the class of each sentence.

  Returns:
    The corpus with its record.

  Raises:
    UserError: fewer than MIN_LINES sentences, or a share outside [0, 0.5].
  """
  if not 0 <= valid_share <= 0.5:
    raise UserError(f'valid_share is {valid_share}: choose it from 0 to 0.5')
  if len(train) < MIN_LINES:
    raise UserError(
      f'{origin or name}: {len(train)} training lines are too few, at least'
      f' {MIN_LINES} are needed: give a larger file or less strict limits'
    )
  words = sorted({word for sentence in train for word in sentence})
  if codec.name == 'ids':
    words.sort(key=int)
  ids = {word: i + 1 for i, word in enumerate(words)}
  length = max(map(len, train))
  vocab_size = len(words) + 1
  valid_lines = int(len(train) * valid_share)
  split = len(train) - valid_lines
  tokens, test_tokens = (
    encode(s, ids, length=length, unk=vocab_size + 1) for s in (train, test)
  )
  figures = {
    'name': name,
    'codec': codec.name,
    'origin': origin,
    'train_lines': split,
    'valid_lines': valid_lines,
    'test_lines': len(test),
    'vocabulary': len(words),
    'vocab_size': vocab_size,
    'length': length,
    **_figures(train, test, ids, length),
    'train_sha256': array_sha256(tokens),
    'test_sha256': array_sha256(test_tokens),
  }
  classes = {part: list(names) for part, names in (labels or {}).items()}
  label_names = sorted({name for names in classes.values() for name in names})
  numbers = {
    part: np.array([label_names.index(x) for x in names], np.int32)
    for part, names in classes.items()
  }
  if numbers:
    figures['labels'] = _counts(classes['train'])
    numbers |= {
      'train': numbers['train'][:split],
      'valid': numbers['train'][split:],
    }
  return Corpus(
    name=name,
    train=tokens[:split],
    valid=tokens[split:],
    test=test_tokens,
    vocab_size=vocab_size,
    pad=PAD,
    codec=codec,
    record=figures | (record or {}),
    oracle=oracle,
    train_words=train[:split],
    valid_words=train[split:],
    test_words=test,
    vocabulary=('', *words),
    labels=numbers,
    label_names=tuple(label_names),
  )


def _counts(labels: Sequence[str], most: int = 5) -> str:
  """How many classes there are, and the commonest of them."""
  counts = collections.Counter(labels)
  shown = [f'{name} ({n:,})' for name, n in counts.most_common(most)]
  more = ', ...' if len(counts) > most else ''
  return f'{len(counts):,} classes: {", ".join(shown)}{more}'


def _figures(
  train: Sentences, test: Sentences, ids: dict[str, int], length: int
) -> dict[str, Any]:
  """Lengths, unknown words, overlap; training with its validation part."""
  seen = set(map(tuple, train))
  distinct = set(map(tuple, test))
  unknown = [sum(word not in ids for word in s) for s in test]
  test_tokens = sum(map(len, test))
  return {
    'train_max_length': max(map(len, train)),
    'train_mean_length': sum(map(len, train)) / len(train),
    'test_max_length': max(map(len, test), default=0),
    'test_mean_length': test_tokens / max(len(test), 1),
    'test_cut': sum(len(s) > length for s in test),
    'test_unknown_tokens': sum(unknown) / max(test_tokens, 1),
    'test_unknown_lines': sum(map(bool, unknown)) / max(len(test), 1),
    'overlap_sentences': len(seen & distinct),
    'overlap_lines': sum(tuple(s) in seen for s in test),
    'train_duplicates': len(train) - len(seen),
    'test_duplicates': len(test) - len(distinct),
  }


LABEL = 12  # characters that a label takes, in a plan
# label, and a template that is left out where the record lacks one of its keys
_ROWS = (
  ('corpus', '{name} ({codec} tokens)'),
  ('origin', '{origin}'),
  ('', 'sentences drawn with seed {seed}'),
  ('format', '{format}'),
  ('read', '{lines_read:,} lines, of which {lines_kept:,} are used'),
  ('training', '{train_lines:,} lines, and {valid_lines:,} for validation'),
  ('', 'longest {train_max_length}, mean {train_mean_length:.1f} tokens'),
  ('labels', '{labels}; kept with the corpus, no system reads them yet'),
  ('test', '{test_lines:,} lines, {test_cut:,} of them cut at T'),
  ('', 'longest {test_max_length}, mean {test_mean_length:.1f} tokens'),
  (
    '',
    '{test_dropped:,} drawn lines ({test_dropped_share:.1%}) left out, as'
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
  """The record as plain lines, labels in a column of at least this width.

  Entries that no row above names follow as they are, checksums excepted;
  `dropped` and `notes` (lists of strings) come last.
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
