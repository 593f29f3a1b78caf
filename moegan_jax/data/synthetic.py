"""Corpora drawn from known distributions: the LSTM oracle and the captions.

The draws use NumPy's RandomState. Its stream is frozen, so a corpus does not
depend on the versions of NumPy and JAX.
"""

from typing import Any

import numpy as np

from moegan_jax.data.build import label_fields
from moegan_jax.data.captions import captions_oracle
from moegan_jax.data.captions_classes import captions_classes
from moegan_jax.data.codecs import CODECS
from moegan_jax.data.corpus import MIN_LINES, PAD, Corpus, array_sha256
from moegan_jax.data.oracle import ORACLE_SEED, lstm_oracle
from moegan_jax.data.texts import recorded
from moegan_jax.errors import UserError

PARTS = ('train', 'test')


def load_oracle(
  *,
  vocab_size: int = 5000,
  length: int = 20,
  dim: int = 32,
  oracle_seed: int = ORACLE_SEED,
  oracle_file: str = '',
  train_size: int = 10000,
  test_size: int = 10000,
  valid_share: float = 0.05,
  seed: int = 0,
) -> Corpus:
  """Draws sequences from the LSTM oracle; all V ids are words, none is pad.

  Args:
    vocab_size: V.
    length: T, the length of every sequence.
    dim: size of the oracle's embedding and hidden state.
    oracle_seed: seed of the oracle's parameters; unused with a file.
    oracle_file: .npz file with the oracle's parameters, or ''.
    train_size: number of training sequences, the validation part included.
    test_size: number of test sequences, drawn after the training sequences.
    valid_share: share of the training sequences, counted from the end, for
      the validation part.
    seed: seed of the draws.

  Returns:
    The corpus with its oracle.

  Raises:
    UserError: a size or a share is out of range, or the file is bad.
  """
  _check(train_size, test_size, valid_share)
  oracle = lstm_oracle(
    vocab_size=vocab_size,
    length=length,
    dim=dim,
    seed=oracle_seed,
    file=oracle_file,
  )
  rng = np.random.RandomState(seed)
  train = oracle.sample(rng, train_size)
  test = oracle.sample(rng, test_size)
  source = oracle_file or f'seed {oracle_seed}'
  return _corpus(
    name='oracle',
    codec=CODECS['ids'],
    train=train,
    test=test,
    vocab_size=vocab_size,
    pad=None,
    valid_share=valid_share,
    oracle=oracle,
    vocabulary=(),
    record={
      'origin': f'LSTM oracle, dimension {dim}, parameters from {source}',
      'seed': seed,
      'paths': recorded(oracle=oracle_file),
    },
  )


def load_captions(
  *,
  train_size: int = 10000,
  test_size: int = 10000,
  valid_share: float = 0.05,
  seed: int = 0,
) -> Corpus:
  """Draws disjoint training and test sentences from the captions grammar.

  Args:
    train_size: number of training sentences, the validation part included.
    test_size: number of test sentences.
    valid_share: share of the training sentences, counted from the end, for
      the validation part.
    seed: seed of the draws.

  Returns:
    The corpus with its oracle. The vocabulary is that of the grammar, so some
    words may not occur in the training part.

  Raises:
    UserError: a size or a share is out of range.

  All sentences are i.i.d. draws. Test sentences that occur in training are
  dropped and replaced by further draws. The test distribution is therefore the
  grammar conditioned on "not in training". Its total variation distance from
  the grammar is the probability of the training set, estimated by the record's
  `test_dropped_share` (2 % at 10,000 sentences). The dropped sentences are
  short and probable, so the NLL of a model is slightly higher on the test part
  than on the grammar. Estimates for the grammar itself (divergences, entropy)
  should draw from `corpus.oracle.sample`. Repeated sentences within a part are
  kept, because they belong to the distribution. The labels are those of
  `captions_classes`.
  """
  _check(train_size, test_size, valid_share)
  oracle, words = captions_oracle()
  classes = captions_classes(oracle.log_probs)
  rng = np.random.RandomState(seed)
  train = oracle.sample(rng, train_size)
  seen = set(map(bytes, train))
  kept: list[np.ndarray] = []
  drawn = 0
  while len(kept) < test_size:
    for row in oracle.sample(rng, test_size):
      drawn += 1
      if bytes(row) not in seen:
        kept.append(row)
      if len(kept) == test_size:
        break
  test = np.stack(kept)
  # A stream of its own, so that labels do not change the text.
  rng = np.random.RandomState([seed, 1])
  numbers = {k: classes.draw(rng, x) for k, x in zip(PARTS, (train, test))}
  labels, figures = label_fields(
    numbers, classes.names, len(train) - int(len(train) * valid_share)
  )
  return _corpus(
    name='captions',
    codec=CODECS['word'],
    train=train,
    test=test,
    labels=labels,
    label_names=classes.names,
    vocab_size=len(words) + 1,
    pad=PAD,
    valid_share=valid_share,
    oracle=oracle._replace(classes=classes),
    vocabulary=('', *words),
    record={
      **figures,
      'origin': 'embedded captions grammar (artificial text)',
      'seed': seed,
      'test_dropped': drawn - test_size,
      'test_dropped_share': (drawn - test_size) / drawn,
    },
  )


def _check(train_size: int, test_size: int, valid_share: float) -> None:
  if train_size < MIN_LINES or test_size < 1:
    raise UserError(
      f'data.train_size is {train_size} and data.test_size {test_size}: choose'
      f' at least {MIN_LINES} and 1'
    )
  if not 0 <= valid_share <= 0.5:
    raise UserError(
      f'data.valid_share is {valid_share}: choose it from 0 to 0.5'
    )


def _corpus(
  *,
  train: np.ndarray,
  test: np.ndarray,
  valid_share: float,
  record: dict[str, Any],
  **fields: Any,
) -> Corpus:
  """Splits off the validation part, and adds the words and the record."""
  split = len(train) - int(len(train) * valid_share)
  corpus = Corpus(
    train=train[:split],
    valid=train[split:],
    test=test,
    record={},
    **fields,
  )
  train_words = corpus.words(corpus.train)
  valid_words = corpus.words(corpus.valid)
  test_words = corpus.words(corpus.test)
  all_train = train_words + valid_words
  figures = {
    'name': corpus.name,
    'codec': corpus.codec.name,
    'train_lines': split,
    'valid_lines': len(corpus.valid),
    'test_lines': len(test),
    'vocabulary': corpus.vocab_size - (corpus.pad is not None),
    'vocab_size': corpus.vocab_size,
    'length': corpus.length,
    **_lengths('train', all_train),
    **_lengths('test', test_words),
    'test_cut': 0,
    'test_unknown_tokens': 0.0,
    'test_unknown_lines': 0.0,
    **_overlap(all_train, test_words),
    # The validation part included.
    'train_sha256': array_sha256(train),
    'test_sha256': array_sha256(test),
  }
  return Corpus(
    train=corpus.train,
    valid=corpus.valid,
    test=test,
    record=figures | record,
    train_words=train_words,
    valid_words=valid_words,
    test_words=test_words,
    **fields,
  )


def _lengths(part: str, sentences: list[list[str]]) -> dict[str, float]:
  lengths = [len(sentence) for sentence in sentences]
  return {
    f'{part}_max_length': max(lengths),
    f'{part}_mean_length': sum(lengths) / len(lengths),
  }


def _overlap(train: list[list[str]], test: list[list[str]]) -> dict[str, int]:
  seen, distinct = set(map(tuple, train)), set(map(tuple, test))
  return {
    'overlap_sentences': len(seen & distinct),
    'overlap_lines': sum(tuple(sentence) in seen for sentence in test),
    'train_duplicates': len(train) - len(seen),
    'test_duplicates': len(test) - len(distinct),
  }
