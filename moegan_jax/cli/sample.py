"""Samples sentences from a trained generator.

  moegan-jax sample --workdir=RUN -n 1000 [-o FILE]
  moegan-jax sample --exported=FOLDER -n 1000 [-o FILE]

Writes one sentence a line to standard output or to a file; everything else goes
to standard error. Sentence i depends on the seed and on i only: changing -n or
--batch does not change it. Exit codes: 0 done; 1 fewer sentences than requested
passed --distinct or --novel (they are written); 2 bad input.
"""

import argparse
import itertools
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.errors import UserError
from moegan_jax.files import check_writable
from moegan_jax.paths import expand

# Modules that need JAX are imported late, so that errors of the command line
# appear at once.

FEWER = 1  # exit code
# Limit of the sentences drawn for --distinct and --novel: TRIES for each
# sentence requested, and at least TRIES_AT_LEAST.
TRIES, TRIES_AT_LEAST = 20, 1000


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line.

  Args:
    argv: arguments without the program's name; None means those of sys.argv.

  Returns:
    The exit code, see the module.
  """
  return exit_code(lambda: _run(parser().parse_args(argv)))


def passing(
  texts: Iterable[str], known: Collection[str], distinct: bool
) -> Iterator[str]:
  """Yields the texts that are not known; with `distinct` each text once."""
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
    check_writable(args.output)
  if args.texts and not args.novel:
    raise UserError('--texts has no effect without --novel: leave it out')
  from moegan_jax.experiment import compilation
  from moegan_jax.sampler import Style

  compilation.use_cache()
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
    f'no more {" and ".join(wanted)} ones; a higher --temperature or '
    'another --seed may give more',
    file=sys.stderr,
  )
  return FEWER


def _write(texts: Iterable[str], output: str) -> int:
  """Writes one sentence a line; returns the number of sentences."""
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
  """Loads an exported generator; returns as `_trained` does."""
  if args.novel:
    raise UserError(
      '--novel needs the training text, which an exported generator does not '
      'have; use --workdir'
    )
  if args.checkpoint is not None or args.member is not None:
    raise UserError(
      '--checkpoint and --member go with --workdir: an exported generator is '
      'a single checkpoint of a single seed'
    )
  from moegan_jax import exported

  return exported.load(args.exported, args.batch), (), args.exported


def _trained(args: argparse.Namespace):
  """Loads the generator of a run.

  Returns:
    The sampler, the texts that --novel drops, and the origin in words.

  Raises:
    UserError: see `trained.load` and `trained.training_text`.
  """
  from moegan_jax import trained

  known = trained.training_text(args.workdir, args.texts) if args.novel else ()
  member = args.member or 0
  run = trained.load(
    args.workdir, args.checkpoint or 'last', member, args.batch
  )
  origin = f'{args.workdir}, step {run.step}, member {member}'
  return run.sampler, known, origin


def parser() -> Parser:
  """The flags of the verb."""
  made = Parser('sample', __doc__)
  source = made.add_mutually_exclusive_group(required=True)
  source.add_argument(
    '--workdir', metavar='RUN', type=expand, help='folder of a run'
  )
  source.add_argument(
    '--exported',
    metavar='FOLDER',
    type=expand,
    help='folder that moegan-jax export wrote',
  )
  add = made.add_argument
  add('-n', type=int, default=10, help='number of sentences (%(default)s)')
  add(
    '-o',
    '--output',
    default='',
    metavar='FILE',
    type=expand,
    help='file to write instead of standard output',
  )
  add('--seed', type=int, default=0, help='sampling seed (%(default)s)')
  add(
    '--temperature',
    type=float,
    default=1.0,
    help='divides the logits: lower is more likely, higher is more diverse '
    '(%(default)s)',
  )
  add(
    '--top-k',
    type=int,
    default=0,
    metavar='K',
    help='sample from the K most likely words; 0: all (%(default)s)',
  )
  add(
    '--nucleus',
    type=float,
    default=1.0,
    metavar='P',
    help='sample from the most likely words with total probability P; '
    '1: all (%(default)s)',
  )
  add('--prefix', default='', metavar='TEXT', help='beginning of all sentences')
  add('--distinct', action='store_true', help='write each sentence once')
  add(
    '--novel', action='store_true', help='drop sentences of the training text'
  )
  add(
    '--texts',
    default='',
    metavar='PLACE',
    type=expand,
    help='folder or file that has the training text now, for --novel (default: '
    'where it was at training)',
  )
  add('--checkpoint', metavar='last|best|STEP', help='of the run (last)')
  add('--member', type=int, metavar='I', help='trained seed, from 0 (0)')
  add(
    '--batch',
    type=int,
    default=256,
    help='batch size, which affects memory and speed (%(default)s)',
  )
  return made
