"""Codecs between text and tokens, and a cache for the slow ones.

Tokens are strings; `corpus.py` maps them to ids.
"""

import hashlib
import importlib.metadata
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Collection, Sequence

from moegan_jax.data import bpe
from moegan_jax.data.codec import Codec
from moegan_jax.errors import UserError


def _split_words(line: str) -> list[str]:
  """Splits a line into lower-cased NLTK word tokens."""
  return _split_cased(line.lower())


def _split_cased(line: str) -> list[str]:
  """Splits a line into NLTK word tokens.

  `preserve_line` skips the split into sentences, which would need Punkt data
  that NLTK's package does not contain.
  """
  from nltk.tokenize import word_tokenize  # about a second to import

  return word_tokenize(line, preserve_line=True)


def _split_ids(line: str) -> list[str]:
  """Splits a line into non-negative integers, without leading zeros."""
  tokens = line.split()
  for token in tokens:
    if not (token.isascii() and token.isdigit()):
      raise UserError(
        f'{token[:20]!r} is no number: the codec ids reads lines of'
        ' non-negative integers; use the codec whitespace for other tokens'
      )
  return [str(int(token)) for token in tokens]


# Atoms, bonds, branches and rings of SMILES; a bracketed atom is one token.
# Source: Schwaller et al., Molecular Transformer (2019).
_SMILES = re.compile(
  r'\[[^\[\]]+\]|Br|Cl|[BCNOSPFI]|[bcnops]|%\d\d|\d|[()=#$:~*./\\+-]|[@>?]'
)


def _split_smiles(line: str) -> list[str]:
  """Splits a SMILES into its symbols.

  The codec checks neither grammar nor valence; the measures of `molecules`
  do.
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
  """Splits a sequence into upper-case residues.

  Lower case marks masked residues in FASTA files and has no other meaning.
  """
  for i, token in enumerate(line, start=1):
    if not (token.isascii() and token.isalpha()) and token not in '*-':
      raise UserError(f'{token!r} at character {i} is no residue')
  return list(line.upper())


CODECS = {
  # Word tokens are joined by blanks, as in the published sample files.
  'word': Codec('word', _split_words, ' '.join),
  'word_cased': Codec('word_cased', _split_cased, ' '.join),
  'char': Codec('char', list, ''.join),
  'whitespace': Codec('whitespace', str.split, ' '.join),
  'ids': Codec('ids', _split_ids, ' '.join),
  'smiles': Codec('smiles', _split_smiles, ''.join),
  'fasta': Codec('fasta', _split_fasta, ''.join),
}
BPE = bpe.NAME  # fitted to a corpus, so not in CODECS
_WORDS = ('word', 'word_cased')


def get_codec(name: str, model: str = '') -> Codec:
  """Returns a codec by name.

  Args:
    name: a key of CODECS, or 'bpe'.
    model: parameters of a fitted codec.

  Raises:
    UserError: the name is unknown, or names a codec that needs a model.
  """
  if model:
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


def split_written(
  line: str, codec: Codec, known: Collection[str], length: int
) -> list[str]:
  """Splits a line that a generator may have written.

  A word codec keeps the pieces between blanks if all are known tokens. For bpe,
  the result is the canonical sequence if the generator can write it, and
  otherwise the shortest sequence of known tokens, if there is one. In all other
  cases this is `codec.split`.

  Args:
    line: without its line end.
    codec: codec of the generator.
    known: tokens of its vocabulary.
    length: maximum number of tokens that it writes.

  Returns:
    The tokens. For `line = codec.join(tokens)` with known tokens these are
    `tokens`. For bpe, they are a sequence of the same text that the generator
    can write, unless `tokens` has an incomplete character.

  Raises:
    UserError: the codec cannot read the line.

  NLTK's rules are not idempotent: they turn '"' into `` or '', and a written
  '' into ``. They split a period at the end of a line only, so "ran." is one
  token in the middle of a line and two at its end. `Codec.split` keeps these
  rules because published BLEU scores depend on them.
  """
  if codec.name in _WORDS:
    pieces = (line.lower() if codec.name == 'word' else line).split()
    if all(piece in known for piece in pieces):
      return pieces
  tokens = codec.split(line)
  if codec.name == BPE:
    writable = len(tokens) <= length and all(t in known for t in tokens)
    if not writable:
      return bpe.fewest(''.join(tokens), known) or tokens
  return tokens


def cache_directory() -> pathlib.Path:
  """Returns $MOEGAN_CACHE_DIR or ~/.cache/moegan_jax, which may not exist."""
  folder = os.environ.get('MOEGAN_CACHE_DIR', '')
  try:
    return pathlib.Path(folder or '~/.cache/moegan_jax').expanduser()
  except RuntimeError:  # no home directory
    return pathlib.Path(tempfile.gettempdir()) / 'moegan_jax'


def tokenise(lines: Sequence[str], codec: Codec) -> list[list[str]]:
  """Splits lines into tokens, with a cache on disk for the word codecs.

  Args:
    lines: strings without line ends.
    codec: a codec whose `split` depends on its name and model only.

  Returns:
    One list of tokens for each line.

  Raises:
    UserError: the codec cannot read a line.

  The cache key covers the text, the codec and the version of NLTK, whose
  rules change between releases. Other codecs are faster than the cache.
  """
  if codec.name not in _WORDS or not lines:
    return [codec.split(line) for line in lines]
  digest = hashlib.sha256('\n'.join(lines).encode()).hexdigest()
  # Importing NLTK takes a second, which a cache hit saves.
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
  """Returns the cached tokens, or None if the file is missing or damaged."""
  try:
    head, _, body = path.read_bytes().partition(b'\n')
  except OSError:
    return None
  if head != _checksum(body):
    return None
  # Word tokens contain no white space, so blanks and line ends separate them.
  # Interning stores each word once: EMNLP has 8 million tokens of few words.
  lines = body.decode().split('\n')
  tokens = [[sys.intern(t) for t in line.split()] for line in lines]
  return tokens if len(tokens) == count else None


def _write_cache(path: pathlib.Path, tokens: list[list[str]]) -> None:
  """Writes the cache file atomically; does nothing if it cannot be written."""
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
