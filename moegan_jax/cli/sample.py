"""Samples sentences from a trained generator.

  moegan-jax sample --workdir=RUN -n 1000 [-o FILE]
  moegan-jax sample --exported=FOLDER -n 1000 [-o FILE]

Writes one sentence per line to standard output or to a file, and messages to
standard error. Sentence i depends on the seed and on i only: changing -n or
--batch does not change it.

Exit codes: 0 done; 1 fewer sentences than requested passed --distinct or
--novel, and these are written; 2 bad input.
"""

import argparse
import itertools
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence

from moegan_jax.cli.shared import Parser, add_texts, check_texts, exit_code
from moegan_jax.errors import UserError
from moegan_jax.files import check_writable
from moegan_jax.paths import expand

# Modules that need JAX are imported in functions. Importing JAX takes seconds,
# so errors of the command line come first.

FEWER = 1  # exit code
# Largest number of sentences to draw for --distinct and --novel: TRIES per
# requested sentence, and at least TRIES_AT_LEAST.
TRIES, TRIES_AT_LEAST = 20, 1000


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code, see the docstring of the module.
  """
  return exit_code(lambda: _run(parser().parse_args(argv)))


def passing(
  texts: Iterable[str], known: Collection[str], distinct: bool
) -> Iterator[str]:
  """Filters texts.

  Args:
    texts: the texts
    known: texts to drop
    distinct: whether to yield equal texts only once

  Yields:
    The remaining texts in their order.
  """
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
  check_texts(args, '--novel', args.novel)
  from moegan_jax.experiment import compilation
  from moegan_jax.sampler import Style

  compilation.use_cache()
  sampler, known, origin = (_exported if args.exported else _trained)(args)
  style = Style(
    args.temperature, args.top_k, args.nucleus, args.prefix, args.label
  )
  stream = sampler.stream(args.seed, style)
  if sampler.classes:
    origin += ', class '
    origin += args.label or f'in turn: {", ".join(sampler.classes)}'
  print(origin, file=sys.stderr)
  if args.distinct or args.novel:
    limit = max(TRIES * args.n, TRIES_AT_LEAST)
    stream = passing(itertools.islice(stream, limit), known, args.distinct)
  written = _write(itertools.islice(stream, args.n), args.output)
  if written == args.n:
    return 0
  filters = [name for name in ('distinct', 'novel') if getattr(args, name)]
  print(
    f'only {written:,} of {args.n:,} sentences: among {limit:,} drawn there '
    f'are no more {" and ".join(filters)} ones; try a higher --temperature or '
    'another --seed',
    file=sys.stderr,
  )
  return FEWER


def _write(texts: Iterable[str], output: str) -> int:
  """Writes one sentence per line.

  Args:
    texts: the sentences
    output: file to write; '' writes to standard output

  Returns:
    The number of sentences.
  """
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
  """Loads an exported generator; the return values are as in `_trained`.

  Raises:
    UserError: a flag that needs a run is set; see also `exported.load`.
  """
  if args.novel:
    raise UserError(
      '--novel needs the training text, which an exported generator does not '
      'have; use --workdir'
    )
  if args.checkpoint is not None or args.member is not None:
    raise UserError(
      '--checkpoint and --member go with --workdir, because an exported '
      'generator has one checkpoint and one seed; leave them out'
    )
  from moegan_jax import exported

  return exported.load(args.exported, args.batch), (), args.exported


def _trained(args: argparse.Namespace):
  """Loads the generator of a run.

  Returns:
    The sampler, the texts that --novel drops, and a description of the origin.

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
  """Builds the parser of the verb."""
  parser = Parser('sample', __doc__)
  source = parser.add_mutually_exclusive_group(required=True)
  source.add_argument(
    '--workdir', metavar='RUN', type=expand, help='folder of a run'
  )
  source.add_argument(
    '--exported',
    metavar='FOLDER',
    type=expand,
    help='folder that moegan-jax export wrote',
  )
  add = parser.add_argument
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
    help='divides the logits; lower values give likelier text, higher values '
    'more diverse text (%(default)s)',
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
  add(
    '--label',
    default='',
    metavar='NAME',
    help='class of all sentences, for a run with generator.conditional=True; '
    'default: all classes in turn',
  )
  add('--distinct', action='store_true', help='write each sentence once')
  add(
    '--novel', action='store_true', help='drop sentences of the training text'
  )
  add_texts(parser, '--novel')
  add(
    '--checkpoint',
    metavar='last|best|STEP',
    help='checkpoint of the run (last)',
  )
  add(
    '--member',
    type=int,
    metavar='I',
    help='index of the trained seed, from 0 (0)',
  )
  add(
    '--batch',
    type=int,
    default=256,
    help='batch size, which affects memory and speed (%(default)s)',
  )
  return parser
