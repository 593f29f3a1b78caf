"""Reads the texts that `evaluate` compares, from files or from a run."""

import argparse
import pathlib
import sys
import unicodedata
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

_FEW = 1000  # samples; fewer make every number noisy
# Codecs of whole lines, for which blanks at the ends of a line are tokens.
_KEEP_ENDS = ('char', 'bpe')
_Form = Literal['none', 'NFC', 'NFD', 'NFKC', 'NFKD']


class RunTexts(NamedTuple):
  """What is known of the run that wrote the samples.

  Attributes:
    codec: the name of its codec.
    vocabulary: its words; empty if its tokens are numbers.
    references: test sentences as tokens; [] if the references are a file.
    train: training sentences as tokens; [] if the training text is a file.
  """

  codec: str
  vocabulary: frozenset[str]
  references: list[list[str]]
  train: list[list[str]]


class Lines(NamedTuple):
  """The three texts, before they are split into tokens.

  Attributes:
    samples: '' is an empty sentence.
    references: lines of a file, or of the run.
    train: lines of a file, or of the run; [] without training text.
    notes: what was dropped or skipped, for the reader.
    run: of the samples, or None if no run is known.
  """

  samples: list[str]
  references: list[str]
  train: list[str]
  notes: list[str]
  run: RunTexts | None = None


def read(args: argparse.Namespace) -> Lines:
  """Reads the files, or the texts of a run.

  Args:
    args: the parsed command line.

  Returns:
    The lines; those of real text are in the Unicode normal form that
    `--normalise` names. Samples are normalised by `tokens.tokenise`, which
    compares them with the words of the run first.

  Raises:
    UserError: a file is missing, empty or not of its format.
  """
  notes: list[str] = []
  references: list[str] = []
  train: list[str] = []
  run: RunTexts | None
  if args.workdir:
    from moegan_jax.store.workdir import Workdir

    corpus = Workdir(args.workdir, create=False).corpus(args.texts)
    run = RunTexts(
      corpus.codec.name,
      frozenset(corpus.vocabulary) - {''},
      corpus.test_words or corpus.words(corpus.test),
      corpus.train_words or corpus.words(corpus.train),
    )
    references = list(map(corpus.codec.join, run.references))
    train = list(map(corpus.codec.join, run.train))
  else:
    run = _run_around(args.samples)
  if args.references:
    references = _real(args.references, args, notes)
  if args.train:
    train = _real(args.train, args, notes)
  normal = normaliser(args.normalise)
  return Lines(
    _samples(args, notes),
    list(map(normal, references)),
    list(map(normal, train)),
    notes,
    run,
  )


def normaliser(name: _Form) -> Callable[[str], str]:
  """Returns the function text -> text of a Unicode normal form, or 'none'."""
  if name == 'none':
    return lambda text: text
  return lambda text: unicodedata.normalize(name, text)


def warnings(samples: list[str]) -> list[str]:
  """Finds properties of the samples that limit what the numbers mean.

  Args:
    samples: one line a sample; '' is an empty sentence.

  Returns:
    Lines for the notes; they are also printed to standard error.
  """
  found, total = [], len(samples)
  if total < _FEW:
    found.append(f'{total:,} samples are few: below {_FEW:,} numbers are noisy')
  if empty := samples.count(''):
    found.append(f'{empty:,} of {total:,} samples are empty; their BLEU is 0')
  for text in found:
    print(f'warning: {text}', file=sys.stderr)
  return found


def _real(path: str, args: argparse.Namespace, notes: list[str]) -> list[str]:
  """Reads real text without its blank lines."""
  lines = _lines(path, _records(path, args), notes)
  blank = lines.count('')
  if blank:
    notes.append(f'{blank:,} blank lines of {path} were skipped')
  return [line for line in lines if line]


def _samples(args: argparse.Namespace, notes: list[str]) -> list[str]:
  """Reads samples. Blank lines are empty sentences, even if all are blank."""
  path = args.samples
  file = pathlib.Path(path)
  has_content = not file.is_file() or file.stat().st_size > 0
  records = _records(path, args, allow_blank=has_content)
  if args.codec in _KEEP_ENDS and (lines := _unstripped(path)):
    return lines
  return _lines(path, records, notes)


def _lines(path: str, records: list[Any], notes: list[str]) -> list[str]:
  """Returns the text of usable records and notes the others."""
  from moegan_jax.data.formats import BLANK
  from moegan_jax.data.records import summary

  bad = [r for r in records if r.wrong and r.wrong != BLANK]
  notes.extend(f'dropped: {line}' for line in summary(bad, path))
  return [r.text for r in records if not r.wrong or r.wrong == BLANK]


def _columns(path: str, args: argparse.Namespace) -> Any:
  from moegan_jax.data.formats import Columns
  from moegan_jax.data.records import format_of

  # Samples are usually plain text, even if the references are a table.
  column = args.column if format_of(path).columns else ''
  return Columns(column, setting='--column')


def _records(
  path: str, args: argparse.Namespace, allow_blank: bool = False
) -> list[Any]:
  from moegan_jax.data.records import read_records

  return read_records(path, _columns(path, args), allow_blank).records


def _unstripped(path: str) -> list[str]:
  """Reads the lines of a plain text file with blanks at their ends.

  Returns [] for other formats, and for pipes, which cannot be read twice.
  """
  from moegan_jax.data.formats import TEXT
  from moegan_jax.data.records import format_of
  from moegan_jax.data.textfile import bad_bytes, decode, read_bytes

  plain = format_of(path) is TEXT and not path.lower().endswith('.gz')
  if not plain or not pathlib.Path(path).is_file():
    return []
  lines = decode(read_bytes(path), path, tolerant=True)
  return [line for line in lines if not bad_bytes(line)]


def _run_around(path: str) -> RunTexts | None:
  """Finds the run that wrote RUN/samples/NAME.txt, or returns None."""
  folder = pathlib.Path(path).resolve().parent
  if folder.name != 'samples':
    return None
  from moegan_jax.files import read_json
  from moegan_jax.store import schema

  if not (folder.parent / schema.CORPUS).is_file():
    return None
  known = read_json(folder.parent / schema.CORPUS)
  return RunTexts(known['codec'], frozenset(known['vocabulary']) - {''}, [], [])
