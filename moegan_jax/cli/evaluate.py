"""Measures generated text against real text.

  moegan-jax evaluate --samples=FILE --references=FILE

The samples of any system can be measured, one sentence per line. The ending of
a file name determines its format, as in training: .csv, .tsv, .jsonl, .smi and
others; any other file is UTF-8 text. Every sample is scored: an empty line is
an empty sentence, and a sample that the codec cannot read counts as invalid.
Only --language_model and --workdir need JAX.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, add_texts, check_texts, exit_code
from moegan_jax.errors import UserError, unknown
from moegan_jax.evaluate import measuring, page, tokens

# Modules that take long to import are imported in functions, so that --help is
# fast.


def _parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('evaluate', __doc__)
  add = parser.add_argument
  add('--samples', required=True, metavar='FILE', help='generated text')
  add(
    '--references',
    default='',
    metavar='FILE',
    help='held-out real text, for BLEU and other comparisons',
  )
  add(
    '--train',
    default='',
    metavar='FILE',
    help='training text of the generator; adds measures of copying and a '
    'row of real text',
  )
  add(
    '--workdir',
    default='',
    metavar='RUN',
    help='folder of a run; replaces --references and --train by its test text, '
    'its training text and its codec',
  )
  add_texts(parser, '--workdir')
  add(
    '--column',
    default='',
    metavar='NAME',
    help='column of the text in .csv, .tsv and .jsonl files',
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
    help='tokens: word (cased or not by the profile), word_cased, char, '
    'whitespace, ids, smiles or fasta (default: by the ending of the '
    'references or the training text; word for text)',
  )
  add(
    '--tokenised',
    action='store_true',
    help='do not split the samples, which are tokens separated by blanks, as '
    '`sample` writes them (automatic for files in RUN/samples, and with '
    '--workdir for lines of words in the vocabulary of the run)',
  )
  add(
    '--normalise',
    default='NFC',
    choices=('NFC', 'none'),
    help='Unicode normal form of all texts (default: NFC)',
  )
  add(
    '--format',
    default='table',
    choices=('table', 'json', 'markdown'),
    help='output format (default: table)',
  )
  add(
    '--language_model',
    action='store_true',
    help='also train language models and score with them; takes minutes and '
    'needs JAX',
  )
  add(
    '--measures',
    default='',
    metavar='A,B,...',
    help='compute only these measures, such as bleu,self_bleu,diversity '
    '(default: all that the files allow)',
  )
  add(
    '-o',
    '--output',
    default='',
    metavar='FILE',
    help='write to a file instead of standard output',
  )
  return parser


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 2 bad input, 130 interrupted.
  """
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  from moegan_jax.data.codecs import get_codec
  from moegan_jax.files import write_text
  from moegan_jax.metrics.profiles import PROFILES

  if args.profile not in (*PROFILES, measuring.ALL):
    raise unknown('--profile', args.profile, (*PROFILES, measuring.ALL))
  _check_real_text(args)
  args.codec, args.model = tokens.codec_and_model(args)
  get_codec(args.codec, args.model)
  if args.tokenised and args.codec not in tokens.SEPARATED:
    raise UserError(
      f'--tokenised has no effect with --codec={args.codec}; leave it out, or '
      f'set --codec to one of {", ".join(tokens.SEPARATED)}'
    )
  names = _names(args)
  _check_output(args)

  results, marks = measuring.evaluate(args, names)
  text = (page.as_json if args.format == 'json' else page.tables)(
    results, marks, args
  )
  if args.output:
    write_text(args.output, text)
  else:
    print(text, end='')
  # A table on standard output already shows the marks.
  if args.output or args.format == 'json':
    for line in marks:
      print(f'warning: {line}', file=sys.stderr)


def _check_real_text(args: argparse.Namespace) -> None:
  """Checks that exactly one source of real text is given.

  Raises:
    UserError: there is no real text, or both a run and files, or a place of
      texts without a run.
  """
  if not (args.workdir or args.references or args.train):
    raise UserError(
      'no real text: give --references, --train or both, or else --workdir'
    )
  check_texts(args, '--workdir', bool(args.workdir))
  for flag in ('references', 'train'):
    if args.workdir and getattr(args, flag):
      raise UserError(
        f'--workdir includes the text of --{flag}; leave --{flag} out'
      )
  if args.language_model and not (args.workdir or args.references):
    raise UserError(
      '--language_model needs --references, the held-out text of its measures; '
      'add --references'
    )


def _check_output(args: argparse.Namespace) -> None:
  """Checks the output file before the measures, which take minutes.

  Raises:
    UserError: the file cannot be written, or is one of the texts.
  """
  from moegan_jax.files import check_writable

  if not args.output:
    return
  check_writable(args.output)
  path = pathlib.Path(args.output)
  inputs = [args.samples, args.references, args.train]
  if path.resolve() in [pathlib.Path(x).resolve() for x in inputs if x]:
    raise UserError(f'--output={path} is one of the texts; name another file')


def _names(args: argparse.Namespace) -> list[str]:
  """Returns the names of the measures to compute.

  Raises:
    UserError: a measure does not exist, or lacks a file or a package.
  """
  from moegan_jax.metrics import MEASURES, QUICK

  if not args.measures:
    return list(QUICK if args.profile == measuring.ALL else MEASURES)
  given = {
    'references': args.references or args.workdir,
    'train': args.train or args.workdir,
    'fit_lm': args.language_model,
  }
  names = [name.strip() for name in args.measures.split(',')]
  for name in names:
    if name not in MEASURES:
      raise unknown('--measures', name, MEASURES)
    if MEASURES[name].kind not in ('', args.codec):
      raise UserError(
        f'--measures={name} needs --codec {MEASURES[name].kind}; add it'
      )
    if not MEASURES[name].installed():
      raise UserError(
        f'--measures={name} needs a library that is not installed; run pip '
        f'install {MEASURES[name].package}'
      )
    for need in MEASURES[name].needs:
      if not given[need]:
        flag = {'fit_lm': 'language_model'}.get(need, need)
        raise UserError(f'--measures={name} needs --{flag}; add it')
  return names
