"""The plan of a sweep: which cells share pre-training, and which a program."""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from ml_collections import ConfigDict

from moegan_jax.config import as_system
from moegan_jax.experiment.settings import is_free
from moegan_jax.files import flatten, jsonable, read_json
from moegan_jax.store import schema
from moegan_jax.store.workdir import has_begun
from moegan_jax.train.health import ROLLBACK

STARTS, GROUPS = 'starts', 'groups'  # subfolders of a sweep
# Settings that may be arrays in a program: while they are positive, no shape
# and no branch depends on them.
ARRAYS: tuple[str, ...]
ARRAYS = ('mle.lr', 'adversarial.g_lr', 'adversarial.d_lr', 'adversarial.clip')
ARRAYS += ('game.beta', 'game.penalty', 'fsa.weight', 'ccl.weight')
ARRAYS += ('ccl.temperature', 'adversarial.anchor', 'game.weight')
_LONGEST = 60  # characters of a folder name

Configs = Mapping[str, ConfigDict]


class Shared(NamedTuple):
  """Cells that share pre-training, and the runs that do it.

  Attributes:
    starts: name -> configuration of a run that only pre-trains.
    cells: name -> configuration; `init_from` names the start, if there is one.
  """

  starts: dict[str, ConfigDict]
  cells: dict[str, ConfigDict]


class Unit(NamedTuple):
  """A cell, or several cells that are trained as one program.

  Attributes:
    name: name of the cell, or of the folder in GROUPS.
    cells: names of the cells.
  """

  name: str
  cells: tuple[str, ...]


def share_starts(cells: Configs, folder: pathlib.Path) -> Shared:
  """Splits off the pre-training that at least two cells have in common.

  Args:
    cells: name -> configuration.
    folder: the folder of the sweep.
  """
  alike: dict[str, list[str]] = {}
  for name, config in cells.items():
    # A system without an adversarial phase is its own pre-training.
    if (
      config.mle.epochs
      and 'adversarial' in config
      and not config.init_from
      and _pretrains_alone(config)
    ):
      alike.setdefault(_pretraining(config), []).append(name)
  starts, shared = {}, dict(cells)
  for names in alike.values():
    if len(names) < 2:
      continue
    starts[names[0]] = as_system(cells[names[0]], 'mle')
    for name in names:
      shared[name] = cells[name].copy_and_resolve_references()
      shared[name].init_from = str(folder / STARTS / names[0])
  return Shared(starts, shared)


def _pretrains_alone(config: ConfigDict) -> bool:
  """Returns whether the system `mle` can pre-train the generator."""
  return as_system(config, 'mle').generator == config.generator


def _pretraining(config: ConfigDict) -> str:
  """Returns a text that is equal for configurations with equal pre-training."""
  settings = as_system(config, 'mle').to_dict()
  keys = ('data', 'generator', 'mle', 'seed', 'num_seeds', 'unroll')
  return json.dumps(jsonable({k: settings[k] for k in keys}), sort_keys=True)


def program_of(config: ConfigDict) -> str:
  """Returns a text that is equal for configurations that can be one program.

  Settings of `ARRAYS` may differ if they are positive. A weight of zero removes
  a term from the program, and negative values have special meanings, so these
  must agree. The path in `init_from` may differ, since parameters are arrays.
  """
  settings = config.to_dict()
  for key in ARRAYS:
    section, name = key.split('.')
    if settings.get(section, {}).get(name, 0) > 0:
      settings[section][name] = 'positive'
  settings['init_from'] = bool(settings['init_from'])
  return json.dumps(jsonable(settings), sort_keys=True)


def units(
  cells: Configs, chosen: list[str], folder: pathlib.Path, members: int
) -> list[Unit]:
  """Divides the chosen cells into programs.

  A cell that has its own run folder resumes there. A group that has begun
  resumes with the same cells, even if the grid has new ones. If the settings of
  one of its cells changed, for example to a lower learning rate after it
  diverged, the group is not resumed, and its cells form new programs.

  Args:
    cells: name -> configuration.
    chosen: names of the cells to train.
    folder: the folder of the runs.
    members: maximum number of cells times seeds in one program.

  Returns:
    Units in the order of their first cells.
  """
  rest = [name for name in chosen if not has_begun(folder / name)]
  found = [Unit(n, (n,)) for n in chosen if n not in rest]
  taken = set()
  for path in sorted((folder / GROUPS).glob(f'*/{schema.CONFIG}')):
    before = read_json(path)
    taken.add(path.parent.name)
    waiting = [name for name in rest if name in before]
    if (
      has_begun(path.parent)
      and set(before) <= set(cells)
      and waiting
      and all(_can_resume(before[n], cells[n]) for n in before)
    ):
      found.append(Unit(path.parent.name, tuple(before)))
      rest = [name for name in rest if name not in before]
  alike: dict[str, list[str]] = {}
  for name in rest:
    alike.setdefault(program_of(cells[name]), []).append(name)
  for names in alike.values():
    first = cells[names[0]]
    size = max(1, members // first.num_seeds)
    if first.on_nan == ROLLBACK:  # a rollback would affect all experiments
      size = 1
    for i in range(0, len(names), size):
      group = tuple(names[i : i + size])
      name = _group_name(group)
      while len(group) > 1 and name in taken:
        name += '-again'
      found.append(Unit(name, group))
  return sorted(found, key=lambda unit: _position(unit, chosen))


def _can_resume(before: Mapping, config: ConfigDict) -> bool:
  """Returns whether a configuration may resume a run.

  Args:
    before: the recorded settings of the run.
    config: the configuration.
  """
  settings = config.to_dict()
  old, new = flatten(before), flatten(jsonable(settings))
  return all(
    old.get(key) == value or is_free(key, settings, before)
    for key, value in new.items()
  )


def _position(unit: Unit, chosen: list[str]) -> int:
  """Returns the position of the first chosen cell of a unit."""
  return min(chosen.index(name) for name in unit.cells if name in chosen)


def _group_name(names: tuple[str, ...]) -> str:
  """Returns the folder name of a group; equal groups have equal names."""
  name = '+'.join(names)
  if len(name) <= _LONGEST:
    return name
  mark = hashlib.sha256(name.encode()).hexdigest()[:8]
  return f'{names[0][:40]}+{len(names) - 1}-{mark}'
