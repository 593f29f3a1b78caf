"""Time and memory against size: python -m benchmarks.scaling --help."""

import sys
from collections.abc import Sequence

from benchmarks import cases, command
from benchmarks.table import Row
from moegan_jax import data
from moegan_jax.cli.shared import exit_code
from moegan_jax.config import override
from moegan_jax.environment import guard_output
from moegan_jax.errors import UserError, unknown
from moegan_jax.experiment.settings import check

# Axis -> default sizes.
AXES = {
  'batch': (16, 32, 64, 128),
  'length': (10, 20, 40, 80),
  'vocabulary': (1000, 5000, 20_000),
  'experts': (1, 2, 4, 8),
  'representations': (1, 4, 16, 64),
  'seeds': (1, 2, 4),
}
_SETTINGS = {
  'batch': ('mle.batch', 'adversarial.batch'),
  'experts': ('generator.experts',),
  'representations': ('discriminator.representations',),
  'seeds': ('num_seeds',),
}
_LINES = 10_000  # size of the random corpus, at least the largest batch


def axis_of(text: str) -> tuple[str, tuple[int, ...]]:
  """Parses 'batch' or 'batch:16,32' to an axis and its sizes.

  Raises:
    UserError: an unknown axis, or sizes that are not whole numbers from 1.
  """
  name, _, sizes = text.partition(':')
  if name not in AXES:
    raise unknown('--axis', name, AXES)
  if not sizes:
    return name, AXES[name]
  found = sizes.split(',')
  if not all(size.isdecimal() and int(size) for size in found):
    raise UserError(
      f'--axis={text}: sizes must be whole numbers from 1, such as {name}:1,2'
    )
  return name, tuple(map(int, found))


def case_of(
  config, axis: str, size: int, vocabulary: int, length: int
) -> cases.Case:
  """Builds a case with one size changed, on text of uniformly random words.

  Args:
    config: configuration of the experiment
    axis: a key of AXES
    size: the new size
    vocabulary: V, unless it is the axis
    length: T, unless it is the axis

  Raises:
    UserError: the size is not compatible with the other settings.
  """
  changes = dict.fromkeys(_SETTINGS.get(axis, ()), size)
  changed = override(config, changes, optional=changes)
  check(changed)
  vocabulary = size if axis == 'vocabulary' else vocabulary
  length = size if axis == 'length' else length
  tokens = cases.random_text(vocabulary, length, _LINES)
  return cases.build(changed, vocabulary, tokens)


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, given without the program's name."""
  return exit_code(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> None:
  made = command.parser(
    'scaling',
    'Measures time and memory of an MLE step and of a whole iteration for '
    'several values of one size. All other settings are those of the '
    'experiment.',
    'configs/moegan_coco.py:cpu',
  )
  made.add_argument(
    '--axis',
    action='append',
    metavar='NAME[:SIZES]',
    help=f'one of {", ".join(AXES)}, such as batch:16,32; may be given '
    'several times (default: all)',
  )
  args, config = command.parse(made, argv)
  axes = [axis_of(text) for text in args.axis or AXES]
  corpus = data.load(config.data).corpus
  vocabulary, length = corpus.vocab_size, corpus.length

  rows = []
  for axis, sizes in axes:
    for size in sizes:
      command.note(f'{axis} {size} ...')
      try:
        case = case_of(config, axis, size, vocabulary, length)
      except UserError as error:  # other sizes may be valid
        command.note(f'  left out: {error}')
        continue
      rows += _measure(case, f'{axis} {size}', args.repeats)
  if not rows:
    raise UserError(
      '--axis: none of the sizes fits this experiment; choose smaller ones'
    )
  base = cases.build(config, vocabulary, corpus.train)
  setting = f'random text, one size changed: {cases.setting(base)}'
  command.show(rows, setting, args.json)


def _measure(case: cases.Case, name: str, repeats: int) -> list[Row]:
  """Returns the rows of an MLE step and of a whole iteration."""
  found = []
  for piece in cases.pieces(case):
    if piece.name in cases.NAMES.values():
      row = cases.measure(case, piece, repeats, warm=False)
      found.append(row._replace(name=f'{name}, {piece.name}'))
  return found


if __name__ == '__main__':
  guard_output()
  sys.exit(main())
