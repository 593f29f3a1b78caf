"""Measures of a file of samples: python -m moegan_jax.evaluate --help.

Text in, numbers out: no workdir and no JAX, unless a language model is asked
for. Samples of any system can be measured, a sentence a line.
"""

import argparse
import json
import math
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from moegan_jax.cli import Parser, check_output, exit_code
from moegan_jax.errors import UserError, unknown

# Everything else is imported late: --help must not wait for it.

_FEW = 1000  # samples; fewer make every number noisy
_BLEU = ('bleu', 'self_bleu')  # the measures that a profile defines
_ALL = 'all'  # every profile


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.evaluate',
    description='Measures generated text against real text. The ending of '
    'a file says how it is read, as in training: .csv, .tsv, .jsonl, .smi '
    'and others; any other is UTF-8 text, a sentence a line. An empty line '
    'among the samples is an empty sentence.',
  )
  add = parser.add_argument
  add('--samples', required=True, metavar='FILE', help='generated text')
  add(
    '--references',
    default='',
    metavar='FILE',
    help='real text that training has not seen',
  )
  add(
    '--train',
    default='',
    metavar='FILE',
    help='the text that the generator was trained on; adds what is copied and '
    'a row of real text',
  )
  add(
    '--workdir',
    default='',
    metavar='RUN',
    help='in the place of these two files: the test and the training text of a '
    'run of ours, and its codec',
  )
  add(
    '--column',
    default='',
    metavar='NAME',
    help='which column of .csv, .tsv and .jsonl files has the text',
  )
  add(
    '--profile',
    default='strict',
    metavar='NAME',
    help='protocol of BLEU and Self-BLEU: strict (default), texygen, relgan, '
    'textgan, or all',
  )
  add(
    '--codec',
    default='',
    metavar='NAME',
    help='tokens: word (the profile decides on the case), word_cased, char, '
    'whitespace, ids, smiles or fasta (default: by the ending of the '
    'references, word for text)',
  )
  add(
    '--format',
    default='table',
    choices=('table', 'json', 'markdown'),
    help='of the result (default: table)',
  )
  add(
    '--language_model',
    action='store_true',
    help='also fit language models and judge with them: minutes, needs JAX',
  )
  add(
    '--measures',
    default='',
    metavar='A,B,...',
    help='only these, such as bleu,self_bleu,diversity (default: all that the '
    'files allow)',
  )
  add('-o', '--output', default='', metavar='FILE', help='in place of stdout')
  return parser


class _Lines(NamedTuple):
  """The three files; in samples '' is an empty sentence.

  notes: what was left out of them
  """

  samples: list[str]
  references: list[str]
  train: list[str]
  notes: list[str]


class _Result(NamedTuple):
  """What one profile gives.

  rows: 'samples', 'real_train', 'real_test' -> key of METRICS -> number
  protocol: how the numbers were made
  """

  rows: dict[str, dict[str, float]]
  protocol: dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, given without the program's name.

  Returns:
    The exit code: 0 done, 2 bad input, 130 interrupted.
  """
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  from moegan_jax.data.codecs import BPE, get_codec
  from moegan_jax.files import write_text
  from moegan_jax.metrics.profiles import PROFILES

  if args.profile not in (*PROFILES, _ALL):
    raise unknown('--profile', args.profile, (*PROFILES, _ALL))
  if bool(args.workdir) == bool(args.references):
    raise UserError('give --references (and --train), or else --workdir')
  if args.workdir and args.train:
    raise UserError('--workdir brings the training text: leave --train out')
  args.codec, args.model = args.codec or _usual(args), ''
  if args.codec == BPE and args.workdir:
    args.model = _known(args.workdir).get('codec_model', '')
  get_codec(args.codec, args.model)
  names = _names(args)
  _check_output(args)

  results, marks = _evaluate(args, names)
  text = (_json if args.format == 'json' else _page)(results, marks, args)
  if args.output:
    write_text(args.output, text)
  else:
    print(text, end='')
  if args.output or args.format == 'json':  # else they stand in the page
    for line in marks:
      print(f'warning: {line}', file=sys.stderr)


def _usual(args: argparse.Namespace) -> str:
  """The codec of the run, or the one that suits the references."""
  from moegan_jax.data.records import format_of

  if args.workdir:
    return _known(args.workdir)['codec']
  return format_of(args.references).codec


def _known(workdir: str) -> dict[str, Any]:
  """What a run noted of its corpus."""
  from moegan_jax.train.workdir import CORPUS_FILE, Workdir

  return Workdir(workdir, create=False).read_json(CORPUS_FILE)


def _check_output(args: argparse.Namespace) -> None:
  """UserError now, where writing would fail or destroy a text."""
  if not args.output:
    return
  check_output(args.output)
  path = pathlib.Path(args.output)
  inputs = [args.samples, args.references, args.train]
  if path.resolve() in [pathlib.Path(x).resolve() for x in inputs if x]:
    raise UserError(f'--output={path} is one of the texts: name another file')


def _names(args: argparse.Namespace) -> list[str]:
  """The measures to take.

  Raises:
    UserError: one that does not exist, or lacks what it needs.
  """
  from moegan_jax.metrics import MEASURES, QUICK

  if not args.measures:
    return list(QUICK if args.profile == _ALL else MEASURES)
  flags = {'train': args.train or args.workdir, 'fit_lm': args.language_model}
  names = [name.strip() for name in args.measures.split(',')]
  for name in names:
    if name not in MEASURES:
      raise unknown('--measures', name, MEASURES)
    if MEASURES[name].kind not in ('', args.codec):
      raise UserError(f'--measures={name} needs --codec {MEASURES[name].kind}')
    if not MEASURES[name].installed():
      raise UserError(
        f'--measures={name} needs a library: pip install '
        f'{MEASURES[name].package}'
      )
    for need in MEASURES[name].needs:
      if not flags.get(need, True):
        flag = {'fit_lm': 'language_model'}.get(need, need)
        raise UserError(f'--measures={name} needs --{flag}')
  return names


def _evaluate(
  args: argparse.Namespace, names: list[str]
) -> tuple[dict[str, _Result], list[str]]:
  """A result for each profile asked for, and the marks of the samples."""
  from moegan_jax.metrics import bootstrap, guards
  from moegan_jax.metrics.profiles import PROFILES

  lines = _read(args)
  texts = _tokenise(lines, args.codec, args)
  notes = [*_warnings(lines), *lines.notes, *_remarks(texts, names, args)]
  models, said = _language_models(texts, args)
  others = _others(texts, models, [n for n in names if n not in _BLEU])

  def rows_of(profile: str) -> dict[str, dict[str, float]]:
    codec = _codec(profile, args.codec)
    those = texts if codec == args.codec else _tokenise(lines, codec, args)
    rows = {}
    for key, row in _rows(those).items():
      arrays = _bleu(profile, row, names, len(texts.samples))
      rows[key] = {k: float(v.mean()) for k, v in arrays.items()}
      if key == 'samples':
        rows[key] |= bootstrap.intervals(arrays)
      rows[key] |= others[key]
    return rows

  chosen = list(PROFILES) if args.profile == _ALL else [args.profile]
  found = {name: rows_of(name) for name in chosen}
  # Collapse must not hide behind a profile under which all text is alike.
  strict = found.get('strict') or rows_of('strict')
  marks = guards.marks(
    strict['samples'], strict.get('real_train'), strict['real_test']
  )
  results = {}
  for name, rows in found.items():
    protocol = {
      'profile': name,
      'text': PROFILES[name].text,
      'samples': len(texts.samples),
      'hypotheses': len(texts.samples[: PROFILES[name].bleu_samples]),
      'self_bleu_hypotheses': len(
        texts.samples[: PROFILES[name].self_bleu_samples]
      ),
      'references': len(texts.references),
      'train': len(texts.train),
      **_tokeniser(_codec(name, args.codec)),
      'smoothing': "NLTK's method1 (0.1 for no match), uniform weights",
      'bootstrap': (
        f'{bootstrap.RESAMPLES:,} resamples of sentences, 95 % percentile '
        'intervals; what a sentence is compared with is held fixed'
      ),
      'empty_samples': sum(not words for words in texts.samples),
      **({'language_model': said} if said else {}),
      'notes': notes,
    }
    results[name] = _Result(rows, protocol)
  return results, marks


# --- reading ----------------------------------------------------------------


def _read(args: argparse.Namespace) -> _Lines:
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
    from moegan_jax.train.workdir import Workdir

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
  return _Lines(samples, references, train, notes)


def _tokenise(lines: _Lines, codec: str, args: argparse.Namespace):
  """Texts of the tokens; no language model yet."""
  from moegan_jax.data.codecs import get_codec, tokenise
  from moegan_jax.metrics import Texts

  used = get_codec(codec, args.model)

  def tokens(name: str):
    those = getattr(lines, name)
    try:
      found = iter(tokenise([x for x in those if x], used))
    except UserError as error:
      raise UserError(
        f'{getattr(args, name) or args.workdir}: {error}'
      ) from None
    return [next(found) if line else [] for line in those]

  parts = (tokens(name) for name in ('samples', 'references', 'train'))
  return Texts(*parts, kind=codec)


def _codec(profile: str, codec: str) -> str:
  """The codec of a profile: its case counts where words are NLTK's."""
  from moegan_jax.metrics.profiles import PROFILES

  return 'word_cased' if codec == 'word' and PROFILES[profile].cased else codec


def _tokeniser(codec: str) -> dict[str, str]:
  import importlib.metadata

  words = codec.startswith('word')
  version = importlib.metadata.version('nltk')
  return {
    'casing': 'lower' if codec == 'word' else 'as is',
    'tokeniser': f'{codec} (NLTK {version} word tokens)' if words else codec,
  }


# --- measuring --------------------------------------------------------------


def _rows(texts) -> dict[str, Any]:
  """What stands in the place of samples in each row, and against what.

  Real text is not compared with the part that it is taken from.
  """
  n = len(texts.samples)
  rows = {'samples': texts}
  if texts.train:
    rows['real_train'] = texts._replace(samples=texts.train[:n], train=[])
  rows['real_test'] = texts._replace(
    samples=texts.references[:n], references=[]
  )
  return rows


def _bleu(profile: str, texts, names: Iterable[str], n: int) -> dict[str, Any]:
  """The arrays of BLEU and Self-BLEU that the texts of a row allow.

  Self-BLEU grows with the number of sentences: fewer than n have none.
  """
  from moegan_jax.metrics.profiles import PROFILES

  found = {}
  if 'bleu' in names and texts.references:
    found |= PROFILES[profile].bleu(texts.samples, texts.references)
  if 'self_bleu' in names and len(texts.samples) >= n:
    found |= PROFILES[profile].self_bleu(texts.samples)
  return found


def _others(
  texts, fit_lm: Callable | None, names: list[str]
) -> dict[str, dict[str, float]]:
  """The measures of every row that no profile defines."""
  from moegan_jax.metrics import MEASURES, lm_score, text_measures

  found = {
    key: text_measures(row, names, intervals=key == 'samples')
    for key, row in _rows(texts).items()
  }
  judged = [name for name in names if 'fit_lm' in MEASURES[name].needs]
  if fit_lm is None or not judged:
    return found
  found['samples'] |= text_measures(texts._replace(fit_lm=fit_lm), judged)
  if texts.train:
    real = texts.train[: len(texts.samples)]
    values = text_measures(texts._replace(samples=real, fit_lm=fit_lm), judged)
    for key in ('lm_score', 'lm_score_se'):  # it has learnt this very text
      values.pop(key, None)
    found['real_train'] |= values
    if 'lm_score' in found['samples']:
      held_out = texts.references[: len(texts.samples)]
      value, error = lm_score.ratio(*fit_lm(texts.train).nll(held_out))
      found['real_test'] |= {'lm_score': value, 'lm_score_se': error}
  return found


def _language_models(
  texts, args: argparse.Namespace
) -> tuple[Callable | None, str]:
  """What fits a language model to sentences, and its protocol in a line.

  Real text is the training text, or the references where there is none.
  """
  if not args.language_model:
    return None, ''
  from moegan_jax.train.language_model import fitter

  return fitter(
    texts.train or texts.references,
    log=lambda said: print(said, file=sys.stderr),
  )


def _warnings(lines: _Lines) -> list[str]:
  """What makes the samples unfit; printed at once and kept as notes."""
  found, total = [], len(lines.samples)
  if total < _FEW:
    found.append(f'{total:,} samples are few: below {_FEW:,} numbers are noisy')
  if empty := lines.samples.count(''):
    found.append(f'{empty:,} of {total:,} samples are empty; their BLEU is 0')
  for text in found:
    print(f'warning: {text}', file=sys.stderr)
  return found


def _remarks(texts, names: list[str], args: argparse.Namespace) -> list[str]:
  """What a reader must know before comparing rows or files."""
  from moegan_jax.metrics import left_out, novelty

  notes, n = left_out(args.codec), len(texts.samples)
  if args.profile != 'strict' and not set(names) <= set(_BLEU):
    notes.append(
      'marks and all measures but BLEU and Self-BLEU are those of strict, '
      'backward and harmonic BLEU among them'
    )
  if args.codec != 'word':
    notes.append(f'the codec {args.codec} decides on the case, not the profile')
  for name in ('train', 'references'):
    if 'self_bleu' in names and 0 < len(getattr(texts, name)) < n:
      notes.append(f'fewer lines of {name} than samples: no Self-BLEU of them')
  if 'novelty' in names and texts.train:
    seen = novelty.scored(texts.samples, texts.train)
    if seen < n:
      notes.append(
        f'{seen:,} samples, evenly spaced, are compared for the nearest '
        'training sentence and for novelty'
      )
  return notes


# --- printing ---------------------------------------------------------------


def _notes(results: Mapping[str, _Result]) -> list[str]:
  return next(iter(results.values())).protocol['notes']


def _json(
  results: Mapping[str, _Result], marks: list[str], args: argparse.Namespace
) -> str:
  """One object, measure -> number; with all profiles, an object for each."""
  from moegan_jax.files import jsonable

  objects = {}
  for name, (rows, protocol) in results.items():
    numbers = {k: v for k, v in rows['samples'].items() if math.isfinite(v)}
    real = {key: rows[key] for key in rows if key != 'samples'}
    objects[name] = {
      **numbers,
      'protocol': protocol | {'real_text': real},
      'marks': marks,
    }
  value = objects if args.profile == _ALL else objects[args.profile]
  return json.dumps(jsonable(value), indent=2, allow_nan=False) + '\n'


def _page(
  results: Mapping[str, _Result], marks: list[str], args: argparse.Namespace
) -> str:
  """Tables, and what must be said with them."""
  from moegan_jax.metrics import MEASURES, METRICS
  from moegan_jax.report import table
  from moegan_jax.report.published import Row

  marked = ', '.join(mark.partition(':')[0] for mark in marks)
  label = f'samples ({marked})' if marked else 'samples'
  if args.profile == _ALL:
    rows = [Row(name, one.rows['samples']) for name, one in results.items()]
    wanted = {key for name in _BLEU for key in MEASURES[name].columns}
  else:
    found = results[args.profile].rows
    rows = [Row(label, found['samples']), *_interval(found['samples'])]
    for key in ('real_train', 'real_test'):
      rows += [Row(key.replace('_', ' '), found[key])] if key in found else []
    wanted = set(METRICS)
  keys = {key for row in rows for key in row.values} & wanted
  heads = '## {}\n\n{}' if args.format == 'markdown' else '{}\n{}\n'
  draw = table.markdown if args.format == 'markdown' else table.plain
  parts = []
  for kind, title in table.KINDS.items():
    columns = [k for k in METRICS if k in keys and METRICS[k].kind == kind]
    if columns:
      there = [_only(row, columns) for row in rows]
      there = [row for row in there if row.values]
      parts.append(heads.format(title, draw(there, columns)))
  lines = [*marks, *_said(results), *_notes(results)]
  return '\n'.join(parts) + '\n' + ''.join(f'* {line}\n' for line in lines)


def _only(row: Any, columns: Iterable[str]) -> Any:
  """The row with these measures alone, and their standard errors."""
  kept = {*columns, *(f'{key}_se' for key in columns)}
  return row._replace(values={k: v for k, v in row.values.items() if k in kept})


def _interval(values: Mapping[str, float]) -> list[Any]:
  """Rows with the ends of the bootstrap's intervals."""
  from moegan_jax.report.published import Row

  rows = []
  for label, end in (('  95 % from', '_low'), ('  95 % to', '_high')):
    ends = {k[: -len(end)]: v for k, v in values.items() if k.endswith(end)}
    rows += [Row(label, ends)] if ends else []
  return rows


def _said(results: Mapping[str, _Result]) -> list[str]:
  """The protocol in lines."""
  found = [f'{name}: {r.protocol["text"]}' for name, r in results.items()]
  protocol = next(iter(results.values())).protocol
  counted = ', '.join(
    f'{protocol[key]:,} {word}'
    for key, word in (
      ('samples', 'samples'),
      ('references', 'references'),
      ('train', 'training lines'),
    )
    if protocol[key]
  )
  tokens = ' and '.join(
    dict.fromkeys(r.protocol['tokeniser'] for r in results.values())
  )
  found.append(f'{counted}; {tokens}; {protocol["smoothing"]}')
  found.append(f'intervals: {protocol["bootstrap"]}')
  if 'language_model' in protocol:
    found.append(protocol['language_model'])
  return found


if __name__ == '__main__':
  sys.exit(main())
