"""Makes sheets for raters, and scores the filled sheets.

  moegan-jax human-eval make --texts MoEGAN=runs/a real=test.txt
  moegan-jax human-eval score sheet-*.csv --key sheet-key.json

`make` draws sentences from each text. It writes a CSV file for each rater that
does not reveal the systems, a guide with the scale, and the key, which raters
must not see. `score` reads the filled sheets and prints mean scores and
agreement.

The module moegan_jax.human describes the study.
"""

from collections.abc import Sequence

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.errors import UserError
from moegan_jax.human.key import read_key
from moegan_jax.human.scoring import blank_lines, formatted, score
from moegan_jax.human.sheet import make


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 2 bad input.
  """

  def work() -> None:
    args = _parser().parse_args(argv)
    if args.command == 'score':
      print(formatted(score(args.sheets, args.key), args.format))
      return
    *sheets, key, guide = make(
      _parse_texts(args.texts),
      args.output,
      args.n,
      args.seed,
      args.raters,
      args.overwrite,
    )
    print(f'for the raters      {", ".join(map(str, sheets))}')
    print(f'                    {guide}')
    print(f'not for the raters  {key}')
    for line in blank_lines(read_key(key).blank):
      print(line)

  return exit_code(work)


def _parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('human-eval', __doc__)
  commands = parser.add_subparsers(dest='command', required=True)
  making = commands.add_parser('make', help='write sheets for raters')
  making.add_argument(
    '--texts',
    nargs='+',
    required=True,
    metavar='NAME=PATH',
    help='a text file with one sentence per line, or the folder of a run',
  )
  making.add_argument(
    '-n',
    type=int,
    default=100,
    help='number of sentences from each text (default: %(default)s)',
  )
  making.add_argument(
    '--seed',
    type=int,
    default=0,
    help='seed of the draws and orders (default: %(default)s)',
  )
  making.add_argument(
    '--raters',
    type=int,
    default=3,
    help='number of sheets (default: %(default)s)',
  )
  making.add_argument(
    '-o',
    '--output',
    default='sheet',
    help='prefix of the file names (default: %(default)s)',
  )
  making.add_argument(
    '--overwrite', action='store_true', help='replace existing files'
  )
  scoring = commands.add_parser('score', help='score the filled sheets')
  scoring.add_argument('sheets', nargs='+', help='one sheet per rater')
  scoring.add_argument(
    '--key', required=True, help='the -key.json that make wrote'
  )
  scoring.add_argument(
    '--format',
    choices=['table', 'json', 'markdown'],
    default='table',
    help='output format (default: %(default)s)',
  )
  return parser


def _parse_texts(texts: Sequence[str]) -> dict[str, str]:
  """Parses NAME=PATH arguments: name -> path."""
  paths: dict[str, str] = {}
  for text in texts:
    name, _, path = text.partition('=')
    name = name.strip()
    if not name or not path:
      raise UserError(
        f'--texts {text} is invalid; pass NAME=PATH, such as MLE=samples.txt'
      )
    if name in paths:
      raise UserError(
        f'--texts {text}: the name {name!r} is used twice; pass another name'
      )
    paths[name] = path
  return paths
