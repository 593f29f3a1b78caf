"""Sentences of a trained generator.

  python -m moegan_jax.sample --workdir=RUN -n 1000 [-o FILE]
  python -m moegan_jax.sample --exported=FOLDER -n 1000 [-o FILE]

A sentence a line. Sentence i depends on the seed and on i only: fewer, or
another --batch, are the same sentences. Text goes to the screen or to a file,
all else to standard error. Exit codes: 0 done; 1 fewer sentences than asked
for passed --distinct or --novel, and these were written; 2 bad input.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence

from moegan_jax.cli.shared import Parser, check_output, exit_code
from moegan_jax.errors import UserError

# What needs JAX is imported late: a wrong flag should not have to wait for it.

FEWER = 1  # exit code
# How many sentences are drawn at most, for each one asked for and in any case:
# of those that --distinct and --novel drop.
TRIES, TRIES_AT_LEAST = 20, 1000


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, sys.argv by default; see above for the exit code."""
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def passing(
  texts: Iterable[str], known: Collection[str], distinct: bool
) -> Iterator[str]:
  """The texts that are not known; with `distinct` none of them twice."""
  seen = set(known)
  for text in texts:
    if text not in seen:
      yield text
    if distinct:
      seen.add(text)


def _run(args: argparse.Namespace) -> int:
  for name, value in (('-n', args.n), ('--batch', args.batch)):
    if value < 1:
      raise UserError(f'{name} {value}: must be at least 1')
  if args.output:
    check_output(args.output)
  from moegan_jax.experiment import compilation
  from moegan_jax.sampler import Style

  compilation.use_cache()  # else the program is compiled anew every time
  sampler, known, origin = (_exported if args.exported else _trained)(args)
  style = Style(args.temperature, args.top_k, args.nucleus, args.prefix)
  stream = sampler.stream(args.seed, style)
  print(origin, file=sys.stderr)
  if args.distinct or args.novel:
    limit = max(TRIES * args.n, TRIES_AT_LEAST)
    stream = passing(itertools.islice(stream, limit), known, args.distinct)
  found = _write(itertools.islice(stream, args.n), args.output)
  if found == args.n:
    return 0
  wanted = [name for name in ('distinct', 'novel') if getattr(args, name)]
  print(
    f'only {found:,} of {args.n:,} sentences: among {limit:,} drawn there were '
    f'no more that are {" and ".join(wanted)}; a higher --temperature or '
    'another --seed may give more',
    file=sys.stderr,
  )
  return FEWER


def _write(texts: Iterable[str], output: str) -> int:
  """Writes a sentence a line; returns how many."""
  from moegan_jax.files import write_text

  lines = []
  for text in texts:
    lines.append(f'{text}\n')
    if not output:
      print(text)
  if output:
    write_text(output, ''.join(lines))
  return len(lines)


def _exported(args: argparse.Namespace):
  """As `_trained`, of an exported generator."""
  if args.novel:
    raise UserError(
      '--novel needs the training text, which an exported generator does not '
      'have; use --workdir'
    )
  if args.checkpoint is not None or args.member is not None:
    raise UserError(
      '--checkpoint and --member go with --workdir: an exported generator is '
      'one of them'
    )
  from moegan_jax import exported

  return exported.load(args.exported, args.batch), (), args.exported


def _trained(args: argparse.Namespace):
  """The sampler of a run, the text that must not be repeated, and its origin.

  Raises:
    UserError: see `trained.load` and `trained.training_text`.
  """
  from moegan_jax import trained

  known = trained.training_text(args.workdir) if args.novel else ()
  member = args.member or 0
  run = trained.load(
    args.workdir, args.checkpoint or 'last', member, args.batch
  )
  origin = f'{args.workdir}, step {run.step}, member {member}'
  return run.sampler, known, origin


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.sample',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  source = parser.add_mutually_exclusive_group(required=True)
  source.add_argument('--workdir', metavar='RUN', help='folder of a run')
  source.add_argument(
    '--exported', metavar='FOLDER', help='what moegan_jax.export wrote'
  )
  add = parser.add_argument
  add('-n', type=int, default=10, help='how many sentences (%(default)s)')
  add(
    '-o', '--output', default='', metavar='FILE', help='in place of the screen'
  )
  add('--seed', type=int, default=0, help='random seed (%(default)s)')
  add(
    '--temperature',
    type=float,
    default=1.0,
    help='below 1 likelier, above 1 more various (%(default)s)',
  )
  add(
    '--top-k',
    type=int,
    default=0,
    metavar='K',
    help='choose among the K likeliest words only; 0: all (%(default)s)',
  )
  add(
    '--nucleus',
    type=float,
    default=1.0,
    metavar='P',
    help='choose among the likeliest words that have probability P together; '
    '1: all (%(default)s)',
  )
  add('--prefix', default='', metavar='TEXT', help='how all sentences begin')
  add('--distinct', action='store_true', help='no sentence twice')
  add('--novel', action='store_true', help='no sentence of the training text')
  add('--checkpoint', metavar='last|best|STEP', help='of the run (last)')
  add('--member', type=int, metavar='I', help='of a run of several seeds (0)')
  add(
    '--batch',
    type=int,
    default=256,
    help='sentences at a time: memory and speed (%(default)s)',
  )
  return parser


if __name__ == '__main__':
  # XLA's notes about CPU features are of no use to anybody.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  sys.exit(main())
