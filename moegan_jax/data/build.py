"""Builds a corpus from sentences in words, and limits the sentences."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.data.codec import Codec
from moegan_jax.data.corpus import (
  MIN_LINES,
  PAD,
  Corpus,
  Sentences,
  array_sha256,
  encode,
)
from moegan_jax.errors import UserError


def drop_long(sentences: Sentences, max_length: int) -> Sentences:
  """Returns the sentences of at most max_length tokens; 0 keeps all.

  Long sentences are dropped and not cut, because a generator would learn from
  cut ones to stop in the middle of a sentence.
  """
  if not max_length:
    return sentences
  return [s for s in sentences if len(s) <= max_length]


def common_words(
  sentences: Sentences, min_count: int = 1, max_vocab: int = 0
) -> set[str]:
  """Returns the most frequent words.

  Args:
    sentences: training sentences.
    min_count: minimum number of occurrences of a word.
    max_vocab: maximum number of words; 0 means no limit. Of equally frequent
      words the first in sorted order are kept.

  A training sentence with another word has to be dropped: its target needs a
  class, and "unk" has none because it must never be generated. The limits are
  applied once, so a word may occur less than min_count times in the remaining
  sentences.
  """
  counts = collections.Counter(word for s in sentences for word in s)
  words = sorted(counts, key=lambda word: (-counts[word], word))
  words = [word for word in words if counts[word] >= min_count]
  return set(words[:max_vocab] if max_vocab else words)


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
  """Builds a corpus from sentences in words.

  Args:
    name: name of the corpus.
    codec: codec for `Corpus.words` and `Corpus.text`.
    train: the whole training file. It defines the vocabulary and T.
    test: held-out sentences of any length; unknown words are legal.
    valid_share: share of `train`, counted from its end, that becomes the
      validation part.
    origin: where the sentences come from, in words.
    record: further JSON-able entries of the record.
    oracle: the distribution of the sentences, if it is known.
    labels: 'train' and 'test' -> the class of each sentence.

  Returns:
    The corpus with its record.

  Raises:
    UserError: there are fewer than MIN_LINES training sentences, or the share
      is outside of [0, 0.5].
  """
  if not 0 <= valid_share <= 0.5:
    raise UserError(
      f'data.valid_share is {valid_share}: choose it from 0 to 0.5'
    )
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
  index = {name: k for k, name in enumerate(label_names)}
  numbers, of_labels = label_fields(
    {k: np.array([index[x] for x in v], np.int32) for k, v in classes.items()},
    label_names,
    split,
  )
  figures |= of_labels
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


def label_fields(
  numbers: dict[str, np.ndarray], names: Sequence[str], split: int
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
  """Splits off the labels of the validation part, and describes the labels.

  Args:
    numbers: 'train' and 'test' -> int32 [rows], an index into names; {} without
      labels.
    names: the classes.
    split: number of training sequences without the validation part.

  Returns:
    `Corpus.labels`, and entries of the record.
  """
  if not numbers:
    return {}, {}
  train = numbers['train']
  figures = {
    'labels': _counts([names[k] for k in train]),
    'labels_sha256': array_sha256(np.concatenate([*numbers.values()])),
  }
  return numbers | {'train': train[:split], 'valid': train[split:]}, figures


def _counts(labels: Sequence[str], most: int = 5) -> str:
  """Describes the number of classes and the most frequent ones."""
  counts = collections.Counter(labels)
  shown = [f'{name} ({n:,})' for name, n in counts.most_common(most)]
  more = ', ...' if len(counts) > most else ''
  return f'{len(counts):,} classes: {", ".join(shown)}{more}'


def _figures(
  train: Sentences, test: Sentences, ids: dict[str, int], length: int
) -> dict[str, Any]:
  """Computes lengths, unknown words and overlap.

  The training figures include the validation part.
  """
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
