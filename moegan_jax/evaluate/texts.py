"""The texts that `evaluate` compares, from files or of a run."""

import argparse
import importlib.metadata
import sys
from typing import NamedTuple

from moegan_jax.errors import UserError

_FEW = 1000  # samples; fewer make every number noisy


class Lines(NamedTuple):
  """The three files; in samples '' is an empty sentence.

  notes: what was left out of them
  """

  samples: list[str]
  references: list[str]
  train: list[str]
  notes: list[str]


def read(args: argparse.Namespace) -> Lines:
  """The files' lines, or those of a run.

  Raises:
    UserError: a file that is missing, empty, or not of its format.
  """
  from moegan_jax.data.formats import BLANK, Columns
  from moegan_jax.data.records import format_of, read_records, summary

  notes = []

  def lines(path: str, keep_blank: bool = False) -> list[str]:
    # Samples of ours are plain text, also beside tables.
    column = args.column if format_of(path).columns else ''
    records = read_records(path, Columns(column, setting='--column')).records
    bad = [r for r in records if r.wrong and r.wrong != BLANK]
    notes.extend(f'dropped: {line}' for line in summary(bad, path))
    kept = [r.text for r in records if not r.wrong or r.wrong == BLANK]
    blank = kept.count('')
    if keep_blank or not blank:
      return kept
    notes.append(f'{blank:,} blank lines of {path} were skipped')
    return [text for text in kept if text]

  samples = lines(args.samples, keep_blank=True)
  if args.workdir:
    from moegan_jax.store.workdir import Workdir

    corpus = Workdir(args.workdir, create=False).corpus()
    references, train = (
      [
        corpus.codec.join(sentence)
        for sentence in words or corpus.words(tokens)
      ]
      for words, tokens in (
        (corpus.test_words, corpus.test),
        (corpus.train_words, corpus.train),
      )
    )
  else:
    references = lines(args.references)
    train = lines(args.train) if args.train else []
  return Lines(samples, references, train, notes)


def tokenise(lines: Lines, codec: str, args: argparse.Namespace):
  """Texts of the tokens; no language model yet."""
  from moegan_jax.data import codecs
  from moegan_jax.metrics import Texts

  used = codecs.get_codec(codec, args.model)

  def tokens(name: str):
    those = getattr(lines, name)
    try:
      found = iter(codecs.tokenise([x for x in those if x], used))
    except UserError as error:
      raise UserError(
        f'{getattr(args, name) or args.workdir}: {error}'
      ) from None
    return [next(found) if line else [] for line in those]

  parts = (tokens(name) for name in ('samples', 'references', 'train'))
  return Texts(*parts, kind=codec)


def codec_and_model(args: argparse.Namespace) -> tuple[str, str]:
  """The codec asked for, else the run's, else what suits the references.

  A codec that is fitted has the model of the run, any other has none ('').
  """
  from moegan_jax.data.codecs import BPE
  from moegan_jax.data.records import format_of

  if not args.workdir:
    return args.codec or format_of(args.references).codec, ''
  from moegan_jax.store.workdir import CORPUS_FILE, Workdir

  known = Workdir(args.workdir, create=False).read_json(CORPUS_FILE)
  codec = args.codec or known['codec']
  return codec, known.get('codec_model', '') if codec == BPE else ''


def codec_of(profile: str, codec: str) -> str:
  """The codec of a profile: its case counts where words are NLTK's."""
  from moegan_jax.metrics.profiles import PROFILES

  return 'word_cased' if codec == 'word' and PROFILES[profile].cased else codec


def tokeniser(codec: str) -> dict[str, str]:
  words = codec.startswith('word')
  version = importlib.metadata.version('nltk')
  return {
    'casing': 'lower' if codec == 'word' else 'as is',
    'tokeniser': f'{codec} (NLTK {version} word tokens)' if words else codec,
  }


def warnings(lines: Lines) -> list[str]:
  """What makes the samples unfit; printed at once and kept as notes."""
  found, total = [], len(lines.samples)
  if total < _FEW:
    found.append(f'{total:,} samples are few: below {_FEW:,} numbers are noisy')
  if empty := lines.samples.count(''):
    found.append(f'{empty:,} of {total:,} samples are empty; their BLEU is 0')
  for text in found:
    print(f'warning: {text}', file=sys.stderr)
  return found
