"""Loads corpora by name."""

import dataclasses
from typing import NamedTuple

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown


def _texygen(name, s):
  from moegan_jax.data.texygen import load_texygen

  return load_texygen(
    name.removesuffix('_iid'),
    directory=s.dir,
    valid_share=s.valid_share,
    max_length=s.max_length,
    shuffled=name.endswith('_iid'),
  )


def _text(name, s):
  from moegan_jax.data.own import load_own
  from moegan_jax.data.reading import Columns

  return load_own(
    path=s.path,
    test_path=s.test_path,
    columns=Columns(
      s.column,
      s.label_column,
      header=s.header,
      encoding=s.encoding,
    ),
    codec=s.codec,
    max_length=s.max_length,
    min_count=s.min_count,
    max_vocab=s.max_vocab,
    test_share=s.test_share,
    valid_share=s.valid_share,
  )


def _matrix(name, s):
  from moegan_jax.data.matrix import load_matrix

  return load_matrix(
    path=s.path,
    test_path=s.test_path,
    test_share=s.test_share,
    valid_share=s.valid_share,
  )


def _oracle(name, s):
  from moegan_jax.data.synthetic import load_oracle

  return load_oracle(
    vocab_size=s.vocab_size,
    length=s.length,
    dim=s.oracle_dim,
    oracle_seed=s.oracle_seed,
    oracle_file=s.oracle_file,
    train_size=s.train_size,
    test_size=s.test_size,
    valid_share=s.valid_share,
    seed=s.sample_seed,
  )


def _captions(name, s):
  from moegan_jax.data.synthetic import load_captions

  # As the fallback of a benchmark it has the settings of that section.
  return load_captions(
    train_size=s.get('train_size', 10_000),
    test_size=s.get('test_size', 10_000),
    valid_share=s.valid_share,
    seed=s.get('sample_seed', 1),
  )


# name -> function of the name and of the section `data` of a configuration
CORPORA = {
  'coco': _texygen,
  'coco_iid': _texygen,
  'emnlp': _texygen,
  'captions': _captions,
  'oracle': _oracle,
  'text': _text,
  'matrix': _matrix,
}


class Loaded(NamedTuple):
  """A corpus and the reason why it is the fallback; '' if it is not."""

  corpus: Corpus
  stands_in: str


def load(settings) -> Loaded:
  """Loads the corpus of a configuration.

  Args:
    settings: section `data` of a configuration.

  Returns:
    The corpus, or the fallback if the files of a benchmark are not available.

  Raises:
    UserError: a name is unknown, a file is bad, or a benchmark is not
      available and there is no fallback.
  """
  from moegan_jax.data.texygen_files import CorpusUnavailable

  for key in ('name', 'offline_fallback'):
    name = settings.get(key, '')
    if name not in CORPORA and (name or key == 'name'):
      raise unknown(f'data.{key}', name, CORPORA)
  if not 0 <= settings.valid_share < 1:
    raise UserError(
      f'data.valid_share={settings.valid_share} must be in [0, 1)'
    )
  name = settings.name
  try:
    return Loaded(_limit(CORPORA[name](name, settings), settings.limit), '')
  except CorpusUnavailable as error:
    other = settings.get('offline_fallback', '')
    if not other or other == name:
      raise
    corpus = _limit(CORPORA[other](other, settings), settings.limit)
    return Loaded(corpus, str(error))


def _limit(corpus: Corpus, limit: int) -> Corpus:
  """Keeps the first `limit` training sequences; 0 keeps all."""
  if limit < 0:
    raise UserError(f'data.limit={limit} must not be negative')
  if not limit or limit >= len(corpus.train):
    return corpus
  said = f'training uses the first {limit:,} lines (data.limit)'
  notes = [*corpus.record.get('notes', ()), said]
  labels = dict(corpus.labels)
  if labels:
    labels['train'] = labels['train'][:limit]
  return dataclasses.replace(
    corpus,
    train=corpus.train[:limit],
    train_words=corpus.train_words[:limit],
    labels=labels,
    record=corpus.record | {'notes': notes},
  )
