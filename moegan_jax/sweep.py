"""A grid of experiments over seeds, and one report of them all.

  python -m moegan_jax.sweep --grid=configs/sweeps/NAME.py[:VARIANT]

--config.KEY=VALUE changes a setting of all cells, but of those that set it
themselves. Each cell of the grid becomes the folder of a run, WORKDIR/CELL; the
sweep ends in WORKDIR/report.html and WORKDIR/results.md, where all cells stand
side by side. Cells with the same pre-training share it (WORKDIR/starts); cells
that differ in weights, rates, clips and temperatures alone are trained as one
program (WORKDIR/groups). The same command again goes on where the last one
ended.
"""

import argparse
import ast
import itertools
import json
import os
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from moegan_jax import compare
from moegan_jax.cli import INTERRUPTED, Parser, exit_code
from moegan_jax.errors import UserError, unknown
from moegan_jax.files import flatten, jsonable, read_json, write_text
from moegan_jax.report import html, runs
from moegan_jax.train import plan
from moegan_jax.train.grid import Grid, load, said_of
from moegan_jax.train.settings import is_place
from moegan_jax.train.workdir import Workdir, has_begun

# What trains is imported late: a wrong flag should not have to wait for JAX.

DIVERGED = 1  # exit code


class Sweep(NamedTuple):
  """What a command line asks for.

  chosen: the cells to run
  starts, cells: see `plan.Shared`
  members: cells times seeds that one program takes at most
  """

  grid: Grid
  chosen: list[str]
  folder: pathlib.Path
  starts: plan.Configs
  cells: plan.Configs
  members: int

  @property
  def wanted(self) -> list[str]:
    """The starts that a chosen cell still has to begin with."""
    return [
      name
      for name in self.starts
      if any(self._begins_with(cell, name) for cell in self.chosen)
    ]

  def _begins_with(self, cell: str, start: str) -> bool:
    path = self.folder / plan.STARTS / start
    given = self.cells[cell].init_from == str(path)
    return given and not has_begun(self.folder / cell)


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, sys.argv by default.

  Returns:
    0 done, 2 bad input, 1 a cell diverged, 130 interrupted.
  """

  def work() -> int:
    options, rest = _parser().parse_known_args(argv)
    sweep = _sweep(options, _settings(rest))
    if options.list:
      print(listing(sweep), end='')
      return 0
    return run(sweep)

  return exit_code(work, 'interrupted; the same command goes on from there')


def _settings(flags: Sequence[str]) -> dict[str, Any]:
  """The settings among the flags of a command line.

  Raises:
    UserError: a flag that is none.
  """
  found = {}
  for flag in flags:
    fits = re.fullmatch(r'--config\.([\w.]+)=(.*)', flag, re.DOTALL)
    if not fits:
      raise UserError(
        f'command line: {flag} is not a flag, nor --config.KEY=VALUE; see '
        '--help'
      )
    try:
      found[fits[1]] = ast.literal_eval(fits[2])
    except (ValueError, SyntaxError):  # a text without quotes
      found[fits[1]] = fits[2]
  return found


def _sweep(options: argparse.Namespace, settings: Mapping[str, Any]) -> Sweep:
  """The sweep of a command line.

  Args:
    settings: of all cells

  Raises:
    UserError: see `grid.load`; or an unknown cell.
  """
  if options.seeds is not None and options.seeds < 1:
    raise UserError(f'--seeds={options.seeds} must be at least 1')
  grid = load(options.grid, options.seeds, settings)
  chosen = [name for name in options.only.split(',') if name]
  for name in chosen:
    if name not in grid.cells:
      raise unknown('--only', name, grid.cells)
  if options.members is not None and options.members < 1:
    raise UserError(f'--members={options.members} must be at least 1')
  folder = pathlib.Path(options.workdir or f'runs/{grid.name}')
  shared = plan.Shared({}, grid.cells)
  if grid.share_start:
    shared = plan.share_starts(grid.cells, folder)
  return Sweep(
    grid=grid,
    chosen=[name for name in grid.cells if name in chosen or not chosen],
    folder=folder,
    starts=shared.starts,
    cells=shared.cells,
    members=options.members or grid.members,
  )


def run(sweep: Sweep) -> int:
  """Runs what is left of a sweep, and writes its report.

  Returns:
    the exit code of the process.

  Raises:
    UserError: bad input, found before anything is trained.
  """
  folder, wanted = sweep.folder, sweep.wanted
  workdir = Workdir(folder)
  workdir.lock()
  try:
    ends = _ends(sweep.cells, sweep.chosen)
    place = folder / plan.STARTS
    start_ends = _ends(sweep.starts, wanted)
    code = _train(sweep.starts, wanted, place, sweep.members, start_ends)
    if code == INTERRUPTED:
      return code
    lost = {
      str(place / name) for name in wanted if not _has_results(place / name)
    }
    chosen = [n for n in sweep.chosen if sweep.cells[n].init_from not in lost]
    code = max(code, _train(sweep.cells, chosen, folder, sweep.members, ends))
    if code != INTERRUPTED:
      _report(sweep)
    return code
  finally:
    workdir.unlock()


def _ends(
  configs: plan.Configs, names: Sequence[str]
) -> dict[str, dict[str, int]]:
  """The last step of each phase; builds all systems, to find bad settings.

  Raises:
    UserError: settings that do not fit, or data that cannot be had.
  """
  from moegan_jax import data
  from moegan_jax.train import best, program

  found, corpora = {}, {}
  for name in names:
    config = configs[name]
    with said_of(f'cell {name}'):
      key = json.dumps(jsonable(config.data.to_dict()))
      if key not in corpora:
        corpora[key] = data.load(config.data).corpus
      phases = program.build(config, corpora[key]).phases
      rules = config.eval
      best.measure_of(rules.best, rules.selection, corpora[key])
    lasts = itertools.accumulate(phase.steps for phase in phases.values())
    found[name] = dict(zip(phases, lasts))
  return found


def _train(
  configs: plan.Configs,
  names: Sequence[str],
  folder: pathlib.Path,
  members: int,
  ends: Mapping[str, Mapping[str, int]],
) -> int:
  """Trains and measures runs in FOLDER/NAME, several as one program.

  Returns:
    0, or what the worst of them ended with; after an interruption at once.
  """
  worst = 0
  for code in _codes(configs, names, folder, members, ends):
    worst = max(worst, code)
    if code == INTERRUPTED:
      break
  return worst


def _codes(configs, names, folder, members, ends) -> Iterator[int]:
  """Works through a plan: the exit code of one program after the other."""
  import jax

  from moegan_jax.train import group, program

  for unit in plan.units(configs, names, folder, members):
    many = len(unit.cells) > 1
    if many:
      _say(f'{", ".join(unit.cells)}: one program')
      own = {name: configs[name] for name in unit.cells}
      missing = {n: folder / n for n in own if not has_begun(folder / n)}
      yield group.run(own, folder / plan.GROUPS / unit.name, missing)
      jax.clear_caches()
    for name in unit.cells:
      path = folder / name
      if name not in names or _finished(path, configs[name], ends[name]):
        continue
      if many and not has_begun(path):  # the group has said why
        yield DIVERGED
        continue
      _say(name if folder.name != plan.STARTS else f'{plan.STARTS}/{name}')
      yield program.run(configs[name], path)
      jax.clear_caches()  # the next program is another one


def _finished(path: pathlib.Path, config, ends: Mapping[str, int]) -> bool:
  """Whether a run with these settings is there, to its end and measured."""
  if not _has_results(path):
    return False
  before = flatten(read_json(path / 'config.json'))
  now = flatten(jsonable(config.to_dict()))
  same = all(before.get(k) == v or is_place(k) for k, v in now.items())
  return same and read_json(path / 'results.json').get('ends') == ends


def _has_results(path: pathlib.Path) -> bool:
  return (path / 'results.json').is_file()


def _report(sweep: Sweep) -> None:
  """The page and the tables of all cells that have results so far."""
  folder = sweep.folder
  paths = [folder / name for name in sweep.cells]
  there = [path for path in paths if _has_results(path)]
  absent = [p.name for p in paths if p not in there]
  if there:
    benches = runs.benches(runs.fold([runs.load(path) for path in there]))
    write_text(folder / 'results.md', compare.markdown(benches))
    write_text(folder / html.REPORT, html.comparison_page(benches))
    _say(f'{len(there)} of {len(paths)} cells')
    print(compare.terminal(benches))
    print(f'wrote {folder / html.REPORT} and {folder / "results.md"}')
  if absent:
    print(f'without results: {", ".join(absent)}')


def listing(sweep: Sweep) -> str:
  """The plan: what is trained from what, and what shares a program."""
  lines = [f'{sweep.grid.name}, in {sweep.folder}']
  for configs, names, place in (
    (sweep.starts, sweep.wanted, sweep.folder / plan.STARTS),
    (sweep.cells, sweep.chosen, sweep.folder),
  ):
    for unit in plan.units(configs, names, place, sweep.members):
      many = len(unit.cells) > 1
      lines += ['one program:'] if many else []
      for name in unit.cells:
        line = _described(sweep, place / name, configs[name])
        lines.append(f'  {line}' if many else line)
  return '\n'.join(lines) + '\n'


def _steps(config) -> str:
  """How long a configuration is trained."""
  epochs = 0 if config.init_from else config.mle.epochs
  parts = [f'{epochs} epochs of MLE'] if epochs else []
  if config.system != 'mle' and config.adversarial.steps:
    parts.append(f'{config.adversarial.steps} iterations of {config.system}')
  return ' + '.join(parts) or 'no training'


def _described(sweep: Sweep, path: pathlib.Path, config) -> str:
  """One run of the plan in a line."""
  seeds = config.num_seeds
  parts = [f'{seeds} seed{"s" if seeds > 1 else ""}', _steps(config)]
  if config.init_from:
    parts.append(f'from {os.path.relpath(config.init_from, sweep.folder)}')
  if path.parent == sweep.folder:
    changes = sweep.grid.changes[path.name]
    parts += [f'{key}={value}' for key, value in changes.items()]
  parts += ['has results'] if _has_results(path) else []
  return f'{path.relative_to(sweep.folder)}: {", ".join(parts)}'


def _say(text: str) -> None:
  print(f'\n== {text} ==', flush=True)


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.sweep',
    description=__doc__.partition('\n\n')[2],
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  add = parser.add_argument
  add(
    '--grid',
    required=True,
    metavar='FILE[:VARIANT]',
    help='the cells, such as configs/sweeps/moegan_ablation.py',
  )
  add(
    '--workdir',
    default='',
    metavar='FOLDER',
    help='folder of the sweep (default: runs/NAME-VARIANT)',
  )
  add(
    '--only',
    default='',
    metavar='CELL[,CELL]',
    help='run these cells; the report has all that have results',
  )
  add(
    '--members',
    type=int,
    metavar='N',
    help='cells times seeds that one program takes at most (default: what '
    'the grid says, or 16): more take more memory',
  )
  add(
    '--seeds',
    type=int,
    metavar='N',
    help='runs of each cell side by side (default: what the grid says)',
  )
  add('--list', action='store_true', help='show the plan, and run nothing')
  return parser


if __name__ == '__main__':
  # XLA's notes about CPU features are of no use to anybody.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  sys.exit(main())
