"""Splits the texts of `evaluate` into tokens.

Tokens that a run has written are read back as the tokens that it measured (for
bpe, the canonical tokens of the text; see `Corpus.words`). Splitting its
samples with NLTK again would not do that: NLTK reads a closing quotation mark
'' after a blank as an opening one, and separates the period of a final `mr.`.
"""

import argparse
import importlib.metadata
from collections.abc import Sequence
from typing import Any

from moegan_jax.errors import UserError
from moegan_jax.evaluate.texts import Lines, RunTexts, normaliser

_WORDS = ('word', 'word_cased')
SEPARATED = (*_WORDS, 'whitespace')  # codecs that join tokens with blanks
_MANY = 0.01  # share of samples with a separate '' that is worth a note


def tokenise(
  lines: Lines, codec: str, args: argparse.Namespace
) -> tuple[Any, int]:
  """Splits all lines into tokens.

  Args:
    lines: of `texts.read`.
    codec: the name of the codec.
    args: the parsed command line.

  Returns:
    `metrics.Texts` without a language model, and the number of samples that
    the codec cannot read. Such a sample is kept with its characters (its
    numbers, for the codec ids) as tokens.

  Raises:
    UserError: the codec cannot read a line of real text.
  """
  from moegan_jax.data import codecs
  from moegan_jax.metrics import Texts

  used = codecs.get_codec(codec, args.model)
  run = lines.run if lines.run and _same_tokens(lines.run, codec) else None
  samples, invalid = _samples(lines.samples, used, run, args)
  real = []
  for name in ('references', 'train'):
    if run and getattr(run, name):
      normal = normaliser(args.normalise)
      real.append(
        [
          _cased([normal(word) for word in words], codec)
          for words in getattr(run, name)
        ]
      )
      continue
    try:
      real.append(codecs.tokenise(getattr(lines, name), used))
    except UserError as error:
      path = getattr(args, name) or args.workdir
      raise UserError(f'{path}: {error}') from None
  references, train = real
  return Texts(samples, references, train, kind=codec), invalid


def codec_and_model(args: argparse.Namespace) -> tuple[str, str]:
  """Chooses the codec: `--codec`, else the run's, else by the file's ending.

  Returns:
    The name of the codec, and its fitted model ('' for a codec without one).
  """
  from moegan_jax.data.codecs import BPE
  from moegan_jax.data.records import format_of

  if not args.workdir:
    real = args.references or args.train
    return args.codec or format_of(real).codec, ''
  from moegan_jax.store import schema
  from moegan_jax.store.workdir import Workdir

  known = Workdir(args.workdir, create=False).read_json(schema.CORPUS)
  codec = args.codec or known['codec']
  return codec, known.get('codec_model', '') if codec == BPE else ''


def codec_of(profile: str, codec: str) -> str:
  """Returns the codec of a profile, which decides on the case of words."""
  from moegan_jax.metrics.profiles import PROFILES

  return 'word_cased' if codec == 'word' and PROFILES[profile].cased else codec


def described(codec: str) -> dict[str, str]:
  """Describes the tokens for the protocol."""
  version = importlib.metadata.version('nltk')
  words = codec in _WORDS
  return {
    'casing': 'lower' if codec == 'word' else 'as is',
    'tokeniser': f'{codec} (NLTK {version} word tokens)' if words else codec,
  }


def quotation_marks(lines: Lines, args: argparse.Namespace) -> list[str]:
  """Notes samples that look like tokens and would be split differently.

  A separate closing quotation mark '' occurs in tokens, rarely in text.

  Args:
    lines: of `texts.read`.
    args: the parsed command line.

  Returns:
    A line for the notes, or none.
  """
  if args.codec not in _WORDS or args.tokenised or lines.run:
    return []
  count = sum("''" in line.split() for line in lines.samples)
  if count <= _MANY * len(lines.samples):
    return []
  return [
    f"{count:,} samples have a separate '', which NLTK reads as an opening "
    'quotation mark; use --tokenised if the samples are tokens'
  ]


def _samples(
  lines: list[str], codec: Any, run: RunTexts | None, args: argparse.Namespace
) -> tuple[list[list[str]], int]:
  """Splits samples; see `tokenise`."""
  from moegan_jax.data import codecs

  normal = normaliser(args.normalise)
  found: dict[int, list[str]] = {i: [] for i, x in enumerate(lines) if not x}
  for i, line in enumerate(lines):
    if i not in found and (tokens := _written(line, codec, run, args)):
      found[i] = _cased([normal(token) for token in tokens], codec.name)
  rest = {i: normal(line) for i, line in enumerate(lines) if i not in found}
  invalid = 0
  try:
    found |= dict(zip(rest, codecs.tokenise(list(rest.values()), codec)))
  except UserError:  # split one by one to find out which
    for i, line in rest.items():
      try:
        found[i] = codec.split(line)
      except UserError:
        found[i] = line.split() if codec.name == 'ids' else list(line)
        invalid += 1
  return [found[i] for i in range(len(lines))], invalid


def _written(
  line: str, codec: Any, run: RunTexts | None, args: argparse.Namespace
) -> list[str]:
  """Returns the tokens of a line that is already split; [] for other lines.

  A line is already split if `--tokenised` says so, or if the run that wrote
  it has all of its tokens. Every line counts as written by a run with the codec
  bpe: the canonical tokens of its samples may be absent from its vocabulary.
  """
  from moegan_jax.data.codecs import BPE

  if args.tokenised:
    return line.split()
  if run is None or not run.vocabulary:
    return []
  try:
    words = line.split() if run.codec in SEPARATED else codec.split(line)
  except UserError:
    return []
  written = codec.name == BPE or run.vocabulary.issuperset(words)
  return words if written else []


def _same_tokens(run: RunTexts, codec: str) -> bool:
  """Whether the tokens of a run are those of a codec, up to their case."""
  return run.codec == codec or {run.codec, codec} <= set(_WORDS)


def _cased(words: Sequence[str], codec: str) -> list[str]:
  """Lower-cases tokens if the codec does."""
  return [w.lower() for w in words] if codec == 'word' else list(words)
