"""A corpus: arrays of token ids, their vocabulary, and their record.

Ids: 0 is pad and end, 1..U are the words of the training file in sorted order,
so there are V = U + 1 output classes. The input embedding has two more rows: V
is the start symbol and V + 1 the unknown word ("unk"). Neither can be
generated.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.data.codecs import BPE, Codec, get_codec, split_written
from moegan_jax.data.description import LABEL, describe
from moegan_jax.errors import UserError

__all__ = (
  'LABEL',
  'MIN_CLASS',
  'MIN_LINES',
  'PAD',
  'UNKNOWN',
  'Corpus',
  'Sentences',
  'array_sha256',
  'describe',
  'encode',
)

PAD = 0
MIN_LINES = 20  # minimum number of training lines
MIN_CLASS = 10  # minimum number of training lines of a class
_ROWS_AT_ONCE = 1 << 16  # rows of an array that are hashed at a time
UNKNOWN = '<unk>'  # text of an out-of-vocabulary id

Sentences = list[list[str]]


@dataclasses.dataclass(frozen=True)
class Corpus:
  """Real sequences as arrays of ids, with their vocabulary and codec.

  Attributes:
    name: name in records and tables
    train: int32 [N, T]
    valid: int32 [Nv, T], for selection and early stopping; Nv may be 0
    test: int32 [Nt, T]; unknown words are `unk`
    vocab_size: V, the number of output classes, pad included if there is one
    pad: 0, or None if every sequence has length T
    codec: converts between text and tokens
    record: origin and statistics as JSON types, printed by `describe`
    oracle: the distribution that the corpus was drawn from, if it is known
    vocabulary: the V strings of the ids, '' for pad; empty if ids are numbers
    train_words, valid_words, test_words: the sentences behind the arrays, uncut
      and with unknown words intact, as references for BLEU
    labels: 'train', 'valid', 'test' -> int32 [rows], an index into label_names;
      {} without labels. Conditional generators read them.
    label_names: the K classes, sorted
    class_sizes: training lines of each class, without the validation part;
      () without labels
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
  class_sizes: tuple[int, ...] = ()

  def __post_init__(self):
    if self.labels:
      counts = np.bincount(
        self.labels['train'], minlength=len(self.label_names)
      )
      object.__setattr__(self, 'class_sizes', tuple(counts.tolist()))

  @classmethod
  def from_known(cls, known: Mapping[str, Any]) -> 'Corpus':
    """Builds a corpus without sentences from the output of `known`.

    Raises:
      UserError: the codec needs a package that is not installed.
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
      class_sizes=tuple(known.get('class_sizes', ())),
    )

  def known(self) -> dict[str, Any]:
    """Returns all but the sentences as JSON types, for `from_known`."""
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
      'class_sizes': self.class_sizes,
    }

  @property
  def length(self) -> int:
    """T, the number of tokens of the longest training sentence."""
    return self.train.shape[1]

  @property
  def class_shares(self) -> tuple[float, ...]:
    """The K shares of the classes among the training lines."""
    total = sum(self.class_sizes)
    return tuple(size / total for size in self.class_sizes)

  def check_classes(self) -> None:
    """Checks that a conditional generator can learn each class.

    Raises:
      UserError: there is one class only, or a class has fewer than MIN_CLASS
        training lines.
    """
    if len(self.class_sizes) < 2:
      raise UserError(
        f'{self.name}: {len(self.class_sizes)} classes are too few, a '
        'conditional generator needs at least 2: leave out '
        'generator.conditional'
      )
    for name, size in zip(self.label_names, self.class_sizes):
      if size < MIN_CLASS:
        raise UserError(
          f'{self.name}: the class {name!r} has {size} training lines, and '
          f'at least {MIN_CLASS} are needed: add lines, merge it with another '
          'class, or raise data.limit'
        )

  @property
  def start(self) -> int:
    """Id of the start symbol."""
    return self.vocab_size

  @property
  def unk(self) -> int:
    """Id of a word outside of the vocabulary."""
    return self.vocab_size + 1

  def words(self, tokens: np.ndarray) -> Sentences:
    """Converts ids [n, T] to words; each sentence ends before its first pad.

    For bpe, these are the canonical tokens of the text: a text has many token
    sequences, and measures must not depend on which of them was generated.
    """
    pieces = self._pieces(tokens)
    if self.codec.name != BPE:
      return pieces
    return [self.codec.split(self.codec.join(p)) for p in pieces]

  def _pieces(self, tokens: np.ndarray) -> Sentences:
    """Converts ids [n, T] to the tokens that they stand for."""
    rows = np.asarray(tokens).tolist()
    if self.pad is not None:
      rows = [r[: r.index(self.pad)] if self.pad in r else r for r in rows]
    return [[self._word(token) for token in row] for row in rows]

  def text(self, tokens: np.ndarray) -> list[str]:
    """Converts ids [n, T] to n lines of text."""
    return [self.codec.join(pieces) for pieces in self._pieces(tokens)]

  def split(self, line: str) -> list[str]:
    """Splits a line, typed or written by `text`, into words.

    Args:
      line: without its line end.

    Returns:
      The words. For a line that `text` wrote these are the generated words, or
      for bpe tokens of the same text; see `codecs.split_written`.

    Raises:
      UserError: the codec cannot read the line.
    """
    return split_written(line, self.codec, self._ids, self.length)

  def encode(self, sentences: Iterable[Sequence[str]]) -> np.ndarray:
    """Converts sentences in words to int32 [n, T]; cuts longer ones at T."""
    return encode(sentences, self._ids, length=self.length, unk=self.unk)

  @functools.cached_property
  def _ids(self) -> dict[str, int]:
    """The id of each word that can be generated."""
    if not self.vocabulary:
      return {str(i): i for i in range(self.vocab_size)}
    return {word: i for i, word in enumerate(self.vocabulary) if i != self.pad}

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
  """Converts sentences in words to ids.

  Args:
    sentences: n sentences; longer ones are cut.
    ids: word -> id.
    length: T.
    unk: id of a word that `ids` lacks.

  Returns:
    int32 [n, T], padded with PAD.
  """
  rows = [[ids.get(word, unk) for word in s[:length]] for s in sentences]
  out = np.full((len(rows), length), PAD, np.int32)
  for row, tokens in zip(out, rows):
    row[: len(tokens)] = tokens
  return out


def array_sha256(array: np.ndarray) -> str:
  """Returns a checksum of an int32 array's shape and contents.

  The checksum does not depend on byte order or memory layout. Blocks of rows
  are hashed one after the other, because a memory-mapped array may be larger
  than memory.
  """
  digest = hashlib.sha256(repr(array.shape).encode())
  for first in range(0, len(array), _ROWS_AT_ONCE):
    rows = array[first : first + _ROWS_AT_ONCE]
    digest.update(np.ascontiguousarray(rows, dtype='<i4').tobytes())
  return digest.hexdigest()
