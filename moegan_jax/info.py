"""What the folder of a run holds, in plain words.

python -m moegan_jax.info RUN [--json]
"""

import argparse
import json
import os
import pathlib
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.files import jsonable, read_json

# The rest is imported late: a wrong flag should not have to wait for JAX.

KINDS = ('last', 'best', 'phase')  # of checkpoints
SECTIONS = ('generator', 'discriminator', 'mle', 'adversarial')  # shown ones
WIDTH, MARGIN = 80, 15  # characters


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, sys.argv by default; 0 done, 2 bad input."""
  return exit_code(lambda: _run(_parser().parse_args(argv)))


def _run(args: argparse.Namespace) -> None:
  facts = collect(args.run)
  if args.json:
    text = json.dumps(
      jsonable(facts), indent=2, ensure_ascii=False, allow_nan=False
    )
  else:
    text = in_words(facts)
  print(text)


def collect(path: str | os.PathLike) -> dict[str, Any]:
  """All that is known of a run, JSON-able; nothing is restored.

  phases: name -> steps done and steps in all
  checkpoints: kind -> steps
  best: measure, and the value and the step of each seed; {} before the first
  rows: labels of the table, or names of what was measured so far
  bytes: of all files, and of the checkpoints

  Raises:
    UserError: no folder of a run, or a file that is damaged.
  """
  from moegan_jax.store.checkpoint import Store
  from moegan_jax.store.workdir import Workdir
  from moegan_jax.trained import described

  folder = Workdir(path, create=False)
  config, corpus, system = described(folder)
  store = Store(folder.checkpoints)
  checkpoints = {kind: store.steps(kind) for kind in KINDS}
  step = max((*checkpoints['last'], *checkpoints['phase'], 0))
  phases, ends, end = {}, {}, 0
  for name, phase in system.phases.items():
    done = min(max(step - end, 0), phase.steps)
    phases[name] = {'done': done, 'steps': phase.steps}
    end += phase.steps
    ends[name] = end
  results = folder.path / 'results.json'
  table = read_json(results) if results.is_file() else {}
  best = checkpoints['best'][-1:]
  return {
    'path': folder.path,
    'finished': step >= end and table.get('ends') == ends,
    'step': step,
    'steps': end,
    'phases': phases,
    'checkpoints': checkpoints,
    'best': store.meta('best', best[0]) if best else {},
    'rows': [row['label'] for row in table.get('rows', ())]
    or _names(folder.path / 'rows', '.json'),
    'samples': _names(folder.path / 'samples', '.txt'),
    'bytes': {
      'all': _size(folder.path),
      'checkpoints': _size(folder.checkpoints),
    },
    'corpus': corpus.record,
    'config': config.to_dict(),
  }


def in_words(facts: Mapping[str, Any]) -> str:
  """What `collect` found, for reading."""
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
      f'{facts["bytes"]["checkpoints"] / 1e6:,.1f} MB of it checkpoints',
    ),
    '',
    describe(record, MARGIN),
    '',
  ]
  if config['init_from']:
    lines.append(_entry('begun from', config['init_from']))
  for name in SECTIONS:
    values = ', '.join(f'{k}={v}' for k, v in config[name].items())
    lines.append(_entry(name, values))
  return '\n'.join(lines)


def _state(facts: Mapping[str, Any]) -> str:
  """How far the run has come."""
  step, steps = facts['step'], facts['steps']
  if facts['finished']:
    return f'finished, {steps:,} steps'
  if step >= steps:
    return 'trained, not measured to its end; the same command goes on'
  if not step:
    return f'nothing trained yet, {steps:,} steps to go'
  return f'step {step:,} of {steps:,}; the same command goes on from there'


def _best(best: Mapping[str, Any]) -> list[str]:
  """The best checkpoint, seed by seed."""
  if not best:
    return []
  found = zip(best['values'], best['steps'])
  values = ', '.join(
    f'{float(value):.4g} at step {step}' for value, step in found
  )
  return [_entry('best', f'{best["measure"]} {values}')]


def _entry(label: str, text: str) -> str:
  """A label, and text that is wrapped beside it."""
  return textwrap.fill(
    text,
    WIDTH,
    initial_indent=label.ljust(MARGIN),
    subsequent_indent=' ' * MARGIN,
    break_on_hyphens=False,
  )


def _many(count: int, noun: str) -> str:
  return f'{count:,} {noun}{"" if count == 1 else "s"}'


def _names(folder: pathlib.Path, ending: str) -> list[str]:
  return sorted(path.stem for path in folder.glob(f'*{ending}'))


def _size(folder: pathlib.Path) -> int:
  files = (path for path in folder.rglob('*') if path.is_file())
  return sum(path.stat().st_size for path in files)


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.info',
    description=__doc__.partition('\n')[0],
  )
  parser.add_argument('run', metavar='RUN', help='folder of a run')
  parser.add_argument('--json', action='store_true', help='for programs')
  return parser


if __name__ == '__main__':
  # XLA's notes about CPU features are of no use to anybody.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  sys.exit(main())
