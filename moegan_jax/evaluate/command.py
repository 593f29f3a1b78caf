"""The command line of `evaluate`."""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, check_output, exit_code
from moegan_jax.errors import UserError, unknown
from moegan_jax.evaluate import measuring, page, texts

# Everything else is imported late: --help must not wait for it.


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


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, given without the program's name.

  Returns:
    The exit code: 0 done, 2 bad input, 130 interrupted.
  """
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  from moegan_jax.data.codecs import get_codec
  from moegan_jax.files import write_text
  from moegan_jax.metrics.profiles import PROFILES

  if args.profile not in (*PROFILES, measuring.ALL):
    raise unknown('--profile', args.profile, (*PROFILES, measuring.ALL))
  if bool(args.workdir) == bool(args.references):
    raise UserError('give --references (and --train), or else --workdir')
  if args.workdir and args.train:
    raise UserError('--workdir brings the training text: leave --train out')
  args.codec, args.model = texts.codec_and_model(args)
  get_codec(args.codec, args.model)
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
  if args.output or args.format == 'json':  # else they stand in the page
    for line in marks:
      print(f'warning: {line}', file=sys.stderr)


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
    return list(QUICK if args.profile == measuring.ALL else MEASURES)
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
