"""Loads corpora by name."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown

# Settings that are read here and not by the loaders.
_OURS = ('name', 'limit', 'stream', 'offline_fallback')


def _texygen(name, *, dir, **section):
  from moegan_jax.data.texygen import load_texygen

  shuffled = name.endswith('_iid')
  name = name.removesuffix('_iid')
  return load_texygen(name, directory=dir, shuffled=shuffled, **section)


def _text(name, *, column, label_column, header, encoding, **section):
  from moegan_jax.data.own import load_own
  from moegan_jax.data.reading import Columns

  columns = Columns(column, label_column, header=header, encoding=encoding)
  return load_own(columns=columns, **section)


def _matrix(name, **section):
  from moegan_jax.data.matrix import load_matrix

  return load_matrix(**section)


def _oracle(name, *, oracle_dim, sample_seed, **section):
  from moegan_jax.data.synthetic import load_oracle

  return load_oracle(dim=oracle_dim, seed=sample_seed, **section)


def _captions(name, *, sample_seed=1, **section):
  from moegan_jax.data.synthetic import load_captions

  return load_captions(seed=sample_seed, **section)


# name -> function of the name and of the other settings of the section `data`
CORPORA: Mapping[str, Callable[..., Corpus]] = {
  'coco': _texygen,
  'coco_iid': _texygen,
  'emnlp': _texygen,
  'captions': _captions,
  'oracle': _oracle,
  'text': _text,
  'matrix': _matrix,
}
FALLBACK = 'captions'  # replaces a benchmark that is not available


class Loaded(NamedTuple):
  """A corpus with the reason for a fallback.

  Attributes:
    corpus: the corpus.
    stands_in: the reason why `corpus` is the fallback; '' if it is not.
  """

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

  name, other = settings.name, settings.get('offline_fallback', '')
  if name not in CORPORA:
    raise unknown('data.name', name, CORPORA)
  if other not in ('', FALLBACK):
    raise unknown('data.offline_fallback', other, (FALLBACK,))
  if not 0 <= settings.valid_share < 1:
    raise UserError(
      f'data.valid_share={settings.valid_share} must be in [0, 1)'
    )
  section = {k: v for k, v in settings.items() if k not in _OURS}
  try:
    return Loaded(_limit(CORPORA[name](name, **section), settings.limit), '')
  except CorpusUnavailable as error:
    if not other:
      raise
    corpus = CORPORA[other](other, valid_share=settings.valid_share)
    corpus = _limit(corpus, settings.limit)
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
