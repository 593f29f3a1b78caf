"""Codecs: text to tokens and back; and a cache for the slow ones.

A token is a string here; numbers come with the vocabulary in `corpus.py`.
"""

import hashlib
import importlib.metadata
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

from moegan_jax.errors import UserError


class Codec(NamedTuple):
  """How a line of text becomes tokens.

  name: the key in CODECS, or of a codec that was fitted to text
  split: line -> tokens; UserError for a line that it cannot read
  join: tokens -> line; readable, and the inverse of `split` for all but the
    word codecs (whitespace: up to the width of blanks; ids: up to leading
    zeros; fasta: in upper case)
  model: what was fitted, as JSON; '' where nothing was
  """

  name: str
  split: Callable[[str], list[str]]
  join: Callable[[Sequence[str]], str]
  model: str = ''


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


# Atoms, bonds, branches and rings of SMILES, an atom in brackets whole, as
# in Schwaller et al., Molecular Transformer (2019).
_SMILES = re.compile(
  r'\[[^\[\]]+\]|Br|Cl|[BCNOSPFI]|[bcnops]|%\d\d|\d|[()=#$:~*./\\+-]|[@>?]'
)


def _split_smiles(line: str) -> list[str]:
  """Atoms and marks of a SMILES; UserError where there is no such symbol.

  Grammar and valence are not looked at: that is what `molecules` measures.
  """
  tokens, at = [], 0
  while at < len(line):
    found = _SMILES.match(line, at)
    if found is None:
      raise UserError(
        f'{line[at]!r} at character {at + 1} is no symbol of SMILES'
      )
    tokens.append(found.group())
    at = found.end()
  return tokens


def _split_fasta(line: str) -> list[str]:
  """Residues in upper case, as lower case only marks what is masked."""
  for i, token in enumerate(line, start=1):
    if not (token.isascii() and token.isalpha()) and token not in '*-':
      raise UserError(f'{token!r} at character {i} is no residue')
  return list(line.upper())


CODECS = {
  # Joined by blanks, as the sample files of the field are.
  'word': Codec('word', _split_words, ' '.join),
  'word_cased': Codec('word_cased', _split_cased, ' '.join),
  'char': Codec('char', list, ''.join),
  'whitespace': Codec('whitespace', str.split, ' '.join),
  'ids': Codec('ids', _split_ids, ' '.join),
  'smiles': Codec('smiles', _split_smiles, ''.join),
  'fasta': Codec('fasta', _split_fasta, ''.join),
}
BPE = 'bpe'  # fitted to a corpus, see `bpe.fit`
_SLOW = ('word', 'word_cased')  # the others are faster than reading a cache


def get_codec(name: str, model: str = '') -> Codec:
  """The codec of that name.

  Args:
    name: a key of CODECS, or 'bpe'.
    model: of a codec that was fitted.

  Raises:
    UserError: an unknown name, or one that must be fitted first.
  """
  if model:
    from moegan_jax.data import bpe

    return bpe.load(model)
  if name == BPE:
    raise UserError(
      f'the codec {BPE} is fitted to the text of a run and known there only:'
      f' choose one of {", ".join(CODECS)}'
    )
  if name not in CODECS:
    raise UserError(
      f'unknown codec {name!r}: choose one of {", ".join((*CODECS, BPE))}'
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
