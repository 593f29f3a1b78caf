"""Codecs: text to tokens and back; and a cache for the slow ones.

A token is a string here; numbers come with the vocabulary in `corpus.py`.
"""

import hashlib
import importlib.metadata
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

from moegan_jax.errors import UserError


class Codec(NamedTuple):
  """How a line of text becomes tokens.

  name: the key in CODECS
  split: line -> tokens
  join: tokens -> line; readable, not always the inverse of `split`
  """

  name: str
  split: Callable[[str], list[str]]
  join: Callable[[Sequence[str]], str]


def _split_words(line: str) -> list[str]:
  """Lower-cased NLTK word tokens of the whole line."""
  return _split_cased(line.lower())


def _split_cased(line: str) -> list[str]:
  """NLTK word tokens of the whole line.

  `preserve_line` leaves out the split into sentences, which would need Punkt
  data that NLTK's package does not contain.
  """
  from nltk.tokenize import word_tokenize  # about a second to import

  return word_tokenize(line, preserve_line=True)


def _split_ids(line: str) -> list[str]:
  """Numbers as strings, without leading zeros; UserError on anything else."""
  tokens = line.split()
  for token in tokens:
    if not (token.isascii() and token.isdigit()):
      raise UserError(
        f'{token[:20]!r} is no number: the codec ids reads lines of'
        ' non-negative integers; use whitespace for other tokens'
      )
  return [str(int(token)) for token in tokens]


CODECS = {
  # Joined by blanks, as the sample files of the field are.
  'word': Codec('word', _split_words, ' '.join),
  'word_cased': Codec('word_cased', _split_cased, ' '.join),
  'char': Codec('char', list, ''.join),
  'whitespace': Codec('whitespace', str.split, ' '.join),
  'ids': Codec('ids', _split_ids, ' '.join),
}
_SLOW = ('word', 'word_cased')  # the others are faster than reading a cache


def get_codec(name: str) -> Codec:
  """The codec of that name; UserError with the known names otherwise."""
  if name not in CODECS:
    raise UserError(
      f'unknown codec {name!r}: choose one of {", ".join(CODECS)}'
    )
  return CODECS[name]


def cache_directory() -> pathlib.Path:
  """$MOEGAN_CACHE_DIR or ~/.cache/moegan_jax; it need not exist."""
  folder = os.environ.get('MOEGAN_CACHE_DIR', '')
  try:
    return pathlib.Path(folder or '~/.cache/moegan_jax').expanduser()
  except RuntimeError:  # no home
    return pathlib.Path(tempfile.gettempdir()) / 'moegan_jax'


def tokenise(lines: Sequence[str], codec: Codec) -> list[list[str]]:
  """Tokens of every line, those of the word codecs through the cache.

  The key holds the text itself, the codec and NLTK's version, whose rules
  change now and then.

  Args:
    lines: strings without line ends.
    codec: a member of CODECS.

  Returns:
    One list of tokens for each line.

  Raises:
    UserError: a line that the codec cannot read.
  """
  if codec.name not in _SLOW or not lines:
    return [codec.split(line) for line in lines]
  digest = hashlib.sha256('\n'.join(lines).encode()).hexdigest()
  # A second faster than importing NLTK, which a full cache makes needless.
  version = importlib.metadata.version('nltk')
  name = f'{digest}-{codec.name}-nltk{version}.tokens'
  path = cache_directory() / 'tokens' / name
  cached = _read_cache(path, len(lines))
  if cached is not None:
    return cached
  tokens = [codec.split(line) for line in lines]
  _write_cache(path, tokens)
  return tokens


def _checksum(body: bytes) -> bytes:
  return hashlib.sha256(body).hexdigest().encode()


def _read_cache(path: pathlib.Path, count: int) -> list[list[str]] | None:
  """The cached tokens, or None where the file is missing or damaged."""
  try:
    head, _, body = path.read_bytes().partition(b'\n')
  except OSError:
    return None
  if head != _checksum(body):
    return None
  # Word tokens contain no white space, so blanks and line ends may part them.
  # Interning keeps one copy of a word: 8 million tokens of EMNLP are few words.
  lines = body.decode().split('\n')
  tokens = [[sys.intern(t) for t in line.split()] for line in lines]
  return tokens if len(tokens) == count else None


def _write_cache(path: pathlib.Path, tokens: list[list[str]]) -> None:
  """Writes the cache file in one move; a cache that cannot be is none."""
  body = '\n'.join(' '.join(line) for line in tokens).encode()
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
  except OSError:
    return
  try:
    with os.fdopen(handle, 'wb') as file:
      file.write(_checksum(body) + b'\n' + body)
    os.replace(temporary, path)
  except OSError:
    pathlib.Path(temporary).unlink(missing_ok=True)
