"""Checks and times the device: python -m benchmarks.accelerator --help."""

import argparse
import functools
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks import cases, command
from benchmarks.accelerator import checks, page, sections, times
from benchmarks.accelerator.sections import Section, Step
from benchmarks.timing import resident_peak
from moegan_jax import config, systems
from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.environment import guard_output
from moegan_jax.errors import UserError
from moegan_jax.experiment.compilation import use_cache
from moegan_jax.files import write_json, write_text
from moegan_jax.paths import expand

# Sizes of the text: those of COCO.
VOCABULARY, LENGTH = 4660, 37


class Scale(NamedTuple):
  """What is checked and timed.

  Attributes:
    config: the experiment whose steps are timed
    lines: number of lines of its random text
    systems: the systems whose numbers are compared
    memory: whether to compare a memory core
    variants: changed settings and their values
    changes: further changes of the experiment
  """

  config: str
  lines: int
  systems: tuple[str, ...]
  memory: bool
  variants: tuple[tuple[str, Any], ...]
  changes: dict[str, Any]


SCALES = {
  'paper': Scale(
    'moegan:coco', 10_000, tuple(systems.SYSTEMS), True, times.VARIANTS, {}
  ),
  # Few networks, because compilation takes most of the time.
  'smoke': Scale(
    'moegan:coco,smoke',
    2000,
    ('mle', checks.MEMORY),
    False,
    times.VARIANTS[:2],
    {
      'generator.cell': 'lstm',
      'generator.experts': 1,
      'discriminator.widths': (2,),
    },
  ),
}


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, given without the program's name.

  Returns:
    Exit code: 0 done, 1 a check failed or a step raised an error, 2 bad input.
  """
  return exit_code(lambda: _run(parser().parse_args(argv)))


def parser() -> argparse.ArgumentParser:
  """Builds the parser of the program."""
  made = Parser(
    prog='python -m benchmarks.accelerator',
    description='Checks that the device of JAX gives the numbers of the CPU '
    'and resumes\ntraining bit for bit, and times the steps of MoEGAN. Steps '
    'for which no\ntime is left are skipped.',
  )
  add = made.add_argument
  add(
    '--scale',
    choices=SCALES,
    default='paper',
    help="the paper's scale, or a test of the program (default: paper)",
  )
  add(
    '--minutes',
    type=_minutes,
    default=8.0,
    help='budget of time; a step that has started is finished (default: 8)',
  )
  add(
    '--repeats',
    type=command.positive,
    default=5,
    help='timed calls (default: 5)',
  )
  add(
    '--out',
    default='',
    metavar='FOLDER',
    type=expand,
    help='also write accelerator.json and accelerator.md there, after each '
    'step',
  )
  return made


def _minutes(text: str) -> float:
  """Parses a positive number."""
  value = float(text)
  if not 0 < value < float('inf'):
    raise argparse.ArgumentTypeError(f'{text} must be a number above 0')
  return value


def _run(args: argparse.Namespace) -> int:
  begin = time.monotonic()
  out = _folder(args.out)
  use_cache()
  scale = SCALES[args.scale]
  text = cases.random_text(VOCABULARY, LENGTH, scale.lines)
  settings = config.override(config.load(scale.config), scale.changes)
  case = cases.build(settings, VOCABULARY, text, pad=0)
  report: dict[str, Any] = {
    'device': times.device_facts(),
    'reference_is_device': times.device().platform == 'cpu',
    'scale': args.scale,
    'setting': cases.setting(case),
    'text': f'{scale.lines:,} lines of random words',
    'budget': 60 * args.minutes,
    'tolerances': checks.TOLERANCES,
  }
  plan = _plan(scale, times.Times(case, args.repeats))
  left = 60 * args.minutes - (time.monotonic() - begin)
  for found in sections.run(plan, left, command.note):
    report['seconds'] = time.monotonic() - begin
    report['peak_bytes'] = resident_peak()
    report['result'] = sections.summary(found)
    report['sections'] = found
    if out:
      write_json(out / 'accelerator.json', report)
      write_text(out / 'accelerator.md', page.markdown(report))
  print(page.markdown(report), end='')
  return 0 if sections.good(report['sections']) else 1


def _folder(text: str) -> pathlib.Path | None:
  """Creates the folder of --out; '' gives None.

  Raises:
    UserError: it cannot be created.
  """
  if not text:
    return None
  folder = pathlib.Path(text)
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(
      f'--out={text}: {error.strerror}; name a folder that can be written'
    ) from error
  return folder


def _plan(scale: Scale, timed: times.Times) -> list[Section]:
  """Returns the sections in the order of their worth."""

  def step(name: str, work, *args) -> Step:
    return Step(name, functools.partial(work, *args))

  def agreement(name: str) -> dict[str, Any]:
    memory = scale.memory and name == checks.MEMORY
    case = checks.tiny(name, memory)
    return checks.agreement(case, times.device(), checks.reference())

  return [
    Section(
      'agreement', 0.35, [step(name, agreement, name) for name in scale.systems]
    ),
    Section(
      'resume', 0.15, [step(name, timed.resume, name) for name in times.WHOLE]
    ),
    Section(
      'steps',
      0.2,
      [
        step('products alone', timed.products),
        *(step(name, timed.step, name) for name in timed.pieces),
      ],
    ),
    Section(
      'seeds', 0.1, [step(name, timed.seeds, name) for name in times.WHOLE]
    ),
    Section(
      'variants',
      0.2,
      [
        step(f'{key}={value}, {name}', timed.variant, {key: value}, name)
        for key, value in scale.variants
        for name in reversed(times.WHOLE)
        if name == times.WHOLE[-1] or key != 'game.route'
      ],
    ),
  ]


if __name__ == '__main__':
  guard_output()
  sys.exit(main())
