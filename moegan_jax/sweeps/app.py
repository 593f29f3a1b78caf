"""The sweep program: trains a grid of experiments and writes one report.

Each cell of the grid is a run in WORKDIR/CELL. WORKDIR/report.html and
WORKDIR/results.md compare all cells. Cells with the same pre-training share one
run of it in WORKDIR/starts. Cells that differ only in weights, learning rates,
clipping and temperatures are trained as one program in WORKDIR/groups. The same
command resumes a sweep.
"""

import itertools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from moegan_jax.errors import UserError, unknown
from moegan_jax.experiment.settings import is_place
from moegan_jax.files import flatten, jsonable, read_json, write_text
from moegan_jax.report import comparison, html, runs
from moegan_jax.store import reading, schema
from moegan_jax.store.workdir import Workdir, has_begun
from moegan_jax.sweeps import plan
from moegan_jax.sweeps.grid import Grid, load, named

# The modules that train are imported inside functions, since importing JAX
# takes seconds and would delay the message about a wrong flag.

DIVERGED, INTERRUPTED = 1, 130  # exit codes


class Sweep(NamedTuple):
  """A sweep as requested on the command line.

  Attributes:
    grid: the grid.
    chosen: names of the cells to run.
    folder: the folder of the sweep.
    starts, cells: see `plan.Shared`.
    members: maximum number of cells times seeds in one program.
  """

  grid: Grid
  chosen: list[str]
  folder: pathlib.Path
  starts: plan.Configs
  cells: plan.Configs
  members: int

  @property
  def wanted(self) -> list[str]:
    """Names of the starts that chosen cells need and have not read yet."""
    return [
      name
      for name in self.starts
      if any(self._needs(cell, name) for cell in self.chosen)
    ]

  def _needs(self, cell: str, start: str) -> bool:
    """Returns whether a cell has yet to begin with a start."""
    path = self.folder / plan.STARTS / start
    given = self.cells[cell].init_from == str(path)
    return given and not has_begun(self.folder / cell)


def sweep_of(
  grid: str,
  *,
  settings: Mapping[str, Any],
  workdir: str = '',
  only: str = '',
  seeds: int | None = None,
  members: int | None = None,
) -> Sweep:
  """Builds the sweep of a command line.

  Args:
    grid: 'NAME[:VARIANT]' or 'FILE.py[:VARIANT]'.
    settings: dotted key -> value, for all cells.
    workdir: folder of the sweep; '' for runs/NAME-VARIANT.
    only: names of cells, separated by commas; '' for all.
    seeds: number of seeds of each cell; None for the value of the grid.
    members: maximum number of cells times seeds in one program; None for the
      value of the grid.

  Raises:
    UserError: see `grid.load`; or a cell is unknown, or a number is below 1.
  """
  for name, value in (('seeds', seeds), ('members', members)):
    if value is not None and value < 1:
      raise UserError(f'--{name}={value} must be at least 1; use 1 or more')
  made = load(grid, seeds, settings)
  chosen = [name for name in only.split(',') if name]
  for name in chosen:
    if name not in made.cells:
      raise unknown('--only', name, made.cells)
  folder = pathlib.Path(workdir or f'runs/{made.name}')
  shared = plan.Shared({}, made.cells)
  if made.share_start:
    shared = plan.share_starts(made.cells, folder)
  return Sweep(
    grid=made,
    chosen=[name for name in made.cells if name in chosen or not chosen],
    folder=folder,
    starts=shared.starts,
    cells=shared.cells,
    members=members or made.members,
  )


def run(sweep: Sweep) -> int:
  """Runs the unfinished cells of a sweep and writes its report.

  Returns:
    The exit code: 0 done, 1 a cell diverged, 130 interrupted.

  Raises:
    UserError: bad settings, which are found before training starts.
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


def _ends(configs: plan.Configs, names: Sequence[str]) -> dict[str, int]:
  """Returns the last step of each run.

  It builds all systems, in order to find bad settings before training starts.

  Raises:
    UserError: settings are invalid, or data are not available.
  """
  from moegan_jax import data
  from moegan_jax.experiment import train_app
  from moegan_jax.scoring import selection

  found, corpora = {}, {}
  for name in names:
    config = configs[name]
    with named(f'cell {name}'):
      key = json.dumps(jsonable(config.data.to_dict()))
      if key not in corpora:
        corpora[key] = data.load(config.data).corpus
      phases = train_app.build(config, corpora[key]).phases
      rules = config.eval
      selection.measure_of(rules.best, rules.selection, corpora[key])
    *_, found[name] = itertools.accumulate(p.steps for p in phases.values())
  return found


def _train(
  configs: plan.Configs,
  names: Sequence[str],
  folder: pathlib.Path,
  members: int,
  ends: Mapping[str, int],
) -> int:
  """Trains and measures runs in FOLDER/NAME, several as one program.

  Args:
    configs: name -> configuration.
    names: the runs to train.
    folder: the folder of the runs.
    members: maximum number of cells times seeds in one program.
    ends: name -> last step.

  Returns:
    The largest exit code of all programs. An interruption ends the loop.
  """
  worst = 0
  for code in _codes(configs, names, folder, members, ends):
    worst = max(worst, code)
    if code == INTERRUPTED:
      break
  return worst


def _codes(configs, names, folder, members, ends) -> Iterator[int]:
  """Runs the programs of a plan in order and yields their exit codes."""
  import jax

  from moegan_jax.experiment import train_app
  from moegan_jax.sweeps import joint_training

  for unit in plan.units(configs, names, folder, members):
    many = len(unit.cells) > 1
    if many:
      _say(f'{", ".join(unit.cells)}: one program')
      own = {name: configs[name] for name in unit.cells}
      missing = {n: folder / n for n in own if not has_begun(folder / n)}
      yield joint_training.run(own, folder / plan.GROUPS / unit.name, missing)
      jax.clear_caches()
    for name in unit.cells:
      path = folder / name
      if name not in names or _finished(path, configs[name], ends[name]):
        continue
      if many and not has_begun(path):  # joint training printed the reason
        yield DIVERGED
        continue
      _say(name if folder.name != plan.STARTS else f'{plan.STARTS}/{name}')
      yield train_app.run(configs[name], path)
      jax.clear_caches()  # the next program is compiled anew


def _finished(path: pathlib.Path, config, end: int) -> bool:
  """Returns whether a run with these settings is trained and measured."""
  if not _has_results(path):
    return False
  before = flatten(read_json(path / schema.CONFIG))
  now = flatten(jsonable(config.to_dict()))
  same = all(before.get(k) == v or is_place(k) for k, v in now.items())
  return same and reading.last_measured_step(path) == end


def _has_results(path: pathlib.Path) -> bool:
  """Returns whether a run has its final report."""
  return (path / schema.RESULTS).is_file()


def _report(sweep: Sweep) -> None:
  """Writes the page and the table of all cells that have results."""
  folder = sweep.folder
  paths = [folder / name for name in sweep.cells]
  measured = [path for path in paths if _has_results(path)]
  absent = [p.name for p in paths if p not in measured]
  if measured:
    benches = runs.benches(runs.fold([runs.load(path) for path in measured]))
    write_text(folder / schema.RESULTS_TABLE, comparison.markdown(benches))
    write_text(folder / schema.REPORT, html.comparison_page(benches))
    _say(f'{len(measured)} of {len(paths)} cells')
    print(comparison.terminal(benches))
    page, markdown = folder / schema.REPORT, folder / schema.RESULTS_TABLE
    print(f'wrote {page} and {markdown}')
  if absent:
    print(f'without results: {", ".join(absent)}')


def listing(sweep: Sweep) -> str:
  """Returns the plan of a sweep: its runs, their starts and programs."""
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
  """Describes how long a configuration is trained."""
  epochs = 0 if config.init_from else config.mle.epochs
  parts = [f'{epochs} epochs of MLE'] if epochs else []
  if 'adversarial' in config and config.adversarial.steps:
    parts.append(f'{config.adversarial.steps} iterations of {config.system}')
  return ' + '.join(parts) or 'no training'


def _described(sweep: Sweep, path: pathlib.Path, config) -> str:
  """Describes one run of the plan in a line."""
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
  """Prints a heading."""
  print(f'\n== {text} ==', flush=True)
