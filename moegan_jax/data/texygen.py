"""The corpora of the Texygen benchmark: COCO captions and EMNLP2017 news."""

import numpy as np

from moegan_jax.data.build import build_corpus, drop_long
from moegan_jax.data.codecs import get_codec, tokenise
from moegan_jax.data.corpus import Corpus
from moegan_jax.data.textfile import parse_text
from moegan_jax.data.texts import recorded
from moegan_jax.data.texygen_files import FILES, find_files, sha256
from moegan_jax.errors import UserError

_SHUFFLE_SEED = 20170523  # another seed is another corpus


def load_texygen(
  name: str,
  *,
  directory: str = '',
  valid_share: float = 0.05,
  max_length: int = 0,
  offline: bool = False,
  shuffled: bool = False,
) -> Corpus:
  """Loads the corpus 'coco' or 'emnlp' as lower-cased word tokens.

  Args:
    name: a key of FILES.
    directory: folder with the files. '' means $MOEGAN_DATA_DIR; if that is
      empty, the cache, and then a download.
    valid_share: share of the training file, counted from its end, for the
      validation part. Published numbers use 0.
    max_length: maximum number of tokens. Longer training sentences are
      dropped and longer test sentences are cut. 0 means no limit.
    offline: whether to skip the download.
    shuffled: whether to shuffle the lines of both files together, with a fixed
      seed, and to split them again into parts of the same sizes. The corpus is
      then called NAME_iid.

  Returns:
    The corpus with its record.

  Raises:
    CorpusUnavailable: no directory is given, the cache has no files, and they
      cannot be downloaded.
    UserError: the name is unknown, a directory lacks a file, or a file is
      damaged.
  """
  if name not in FILES:
    raise UserError(f'unknown corpus {name!r}: choose {" or ".join(FILES)}')
  if max_length < 0:
    raise UserError(f'data.max_length={max_length} must not be negative')
  found = find_files(name, directory=directory, offline=offline)
  codec = get_codec('word')
  notes, parts = list(found.notes), {}
  for part, data in found.data.items():
    file = parse_text(data, found.names[part])
    parts[part] = tokenise(file.lines, codec)
  if shuffled:
    parts['train'], parts['test'] = _reshuffle(parts['train'], parts['test'])
    notes.append(
      'the lines of both files are shuffled, so that training and test text'
      ' are alike'
    )
  train = drop_long(parts['train'], max_length)
  if dropped := len(parts['train']) - len(train):
    notes.append(
      f'{dropped:,} training lines are longer than {max_length} tokens and'
      ' were dropped'
    )
  return build_corpus(
    name=f'{name}_iid' if shuffled else name,
    codec=codec,
    train=train,
    test=parts['test'],
    valid_share=valid_share,
    origin=found.origin,
    record={
      'files': {found.names[p]: sha256(d) for p, d in found.data.items()},
      'paths': recorded(folder=found.folder),
      'notes': notes,
    },
  )


def _reshuffle(train: list, test: list) -> tuple[list, list]:
  """Shuffles all lines and splits them into parts of the old sizes."""
  lines = [*train, *test]
  order = np.random.RandomState(_SHUFFLE_SEED).permutation(len(lines))
  lines = [lines[i] for i in order]
  return lines[: len(train)], lines[len(train) :]
