"""Describes the folder of a run: progress, checkpoints, measures, settings."""

import argparse
import json
import os
import pathlib
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.files import jsonable, read_json
from moegan_jax.paths import expand

# Modules that need JAX are imported in functions. Importing JAX takes seconds,
# so errors of the command line come first.

KINDS = ('last', 'best', 'phase')  # kinds of checkpoints
# Sections of the configuration that are printed.
SECTIONS = ('generator', 'discriminator', 'mle', 'adversarial')
WIDTH, MARGIN = 80, 15  # of the text and of the labels, in characters


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 2 bad input.
  """
  return exit_code(lambda: _run(parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  facts = collect(args.run)
  if args.json:
    # `json.dumps` writes ASCII, which any terminal prints without loss.
    text = json.dumps(jsonable(facts), indent=2, allow_nan=False)
  else:
    text = in_words(facts)
  print(text)


def collect(path: str | os.PathLike) -> dict[str, Any]:
  """Collects facts about a run without restoring a checkpoint.

  Args:
    path: folder of the run

  Returns:
    Name -> value that JSON can hold. Among them are:
      phases: name -> number of steps done and in total
      checkpoints: kind -> steps
      best: measure, values and steps per seed; {} without a best checkpoint
      rows: labels of the table, or keys of the rows before there is a table
      bytes: size of all files and of the checkpoints

  Raises:
    UserError: the folder is no run, or a file is damaged.
  """
  from moegan_jax.store import schema
  from moegan_jax.store.checkpoint import Store
  from moegan_jax.store.reading import last_measured_step
  from moegan_jax.store.workdir import Workdir
  from moegan_jax.trained import described

  folder = Workdir(path, create=False)
  config, corpus, system = described(folder)
  store = Store(folder.checkpoints)
  checkpoints = {kind: store.steps(kind) for kind in KINDS}
  step = max((*checkpoints['last'], *checkpoints['phase'], 0))
  phases, end = {}, 0
  for name, phase in system.phases.items():
    done = min(max(step - end, 0), phase.steps)
    phases[name] = {'done': done, 'steps': phase.steps}
    end += phase.steps
  results = folder.path / schema.RESULTS
  table = read_json(results) if results.is_file() else {}
  best = checkpoints['best'][-1:]
  return {
    'path': folder.path,
    'finished': step >= end and last_measured_step(folder.path) == end,
    'step': step,
    'steps': end,
    'phases': phases,
    'checkpoints': checkpoints,
    'best': store.meta('best', best[0]) if best else {},
    'rows': [row['label'] for row in table.get('rows', ())]
    or _names(folder.path / schema.ROWS, '.json'),
    'samples': _names(folder.path / schema.SAMPLES, '.txt'),
    'bytes': {
      'all': _size(folder.path),
      'checkpoints': _size(folder.checkpoints),
    },
    'corpus': corpus.record,
    'config': config.to_dict(),
  }


def in_words(facts: Mapping[str, Any]) -> str:
  """Formats the facts of `collect` as text."""
  from moegan_jax.data.corpus import describe

  config, record = facts['config'], facts['corpus']
  seeds = config['num_seeds']
  lines = [
    f'{facts["path"]}: {config["system"]} on {record["name"]}, '
    f'{_many(seeds, "seed")}',
    _entry('state', _state(facts)),
    *(
      _entry('phase', f'{name}, {one["done"]:,} of {one["steps"]:,} steps')
      for name, one in facts['phases'].items()
    ),
    *(
      _entry('checkpoints', f'{kind}: steps {", ".join(map(str, steps))}')
      for kind, steps in facts['checkpoints'].items()
      if steps
    ),
    *_best(facts['best']),
    _entry('measured', '; '.join(facts['rows']) or 'nothing so far'),
    _entry('samples', _many(len(facts['samples']), 'file') + ' in samples/'),
    _entry(
      'size',
      f'{facts["bytes"]["all"] / 1e6:,.1f} MB, '
      f'{facts["bytes"]["checkpoints"] / 1e6:,.1f} MB of them checkpoints',
    ),
    '',
    describe(record, MARGIN),
    '',
  ]
  if config['init_from']:
    lines.append(_entry('init_from', config['init_from']))
  for name in (s for s in SECTIONS if s in config):
    values = ', '.join(f'{k}={v}' for k, v in config[name].items())
    lines.append(_entry(name, values))
  return '\n'.join(lines)


def _state(facts: Mapping[str, Any]) -> str:
  """Describes the progress of the run."""
  step, steps = facts['step'], facts['steps']
  if facts['finished']:
    return f'finished, {steps:,} steps'
  if step >= steps:
    return 'trained, not measured to its end; the same command continues'
  if not step:
    return f'nothing trained yet, {steps:,} steps to go'
  return f'step {step:,} of {steps:,}; the same command continues from there'


def _best(best: Mapping[str, Any]) -> list[str]:
  """Describes the best checkpoint of each seed."""
  if not best:
    return []
  values = ', '.join(
    f'{float(value):.4g} at step {step}'
    for value, step in zip(best['values'], best['steps'])
  )
  return [_entry('best', f'{best["measure"]} {values}')]


def _entry(label: str, text: str) -> str:
  """Formats a label with wrapped text beside it."""
  return textwrap.fill(
    text,
    WIDTH,
    initial_indent=label.ljust(MARGIN),
    subsequent_indent=' ' * MARGIN,
    break_on_hyphens=False,
  )


def _many(count: int, noun: str) -> str:
  """Formats a number with a noun in singular or plural."""
  return f'{count:,} {noun}{"" if count == 1 else "s"}'


def _names(folder: pathlib.Path, ending: str) -> list[str]:
  """Returns the sorted names of the files with an ending, without it."""
  return sorted(path.stem for path in folder.glob(f'*{ending}'))


def _size(folder: pathlib.Path) -> int:
  """Returns the size of all files below a folder in bytes."""
  files = (path for path in folder.rglob('*') if path.is_file())
  return sum(path.stat().st_size for path in files)


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('info', __doc__)
  parser.add_argument('run', metavar='RUN', type=expand, help='folder of a run')
  parser.add_argument('--json', action='store_true', help='print JSON')
  return parser
