"""The plan of a sweep: who shares a start, and who shares a program."""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from ml_collections import ConfigDict

from moegan_jax.config import as_system
from moegan_jax.experiment.settings import is_free
from moegan_jax.files import flatten, jsonable, read_json
from moegan_jax.store.workdir import has_begun
from moegan_jax.train.health import ROLLBACK

STARTS, GROUPS = 'starts', 'groups'  # folders within that of a sweep
# Settings that no shape and no choice depends on as long as they are positive:
# they may be arrays in a program.
ARRAYS = ('mle.lr', 'adversarial.g_lr', 'adversarial.d_lr', 'adversarial.clip')
ARRAYS += ('game.beta', 'game.penalty', 'fsa.weight', 'ccl.weight')
ARRAYS += ('ccl.temperature', 'adversarial.anchor', 'game.weight')
_LONGEST = 60  # letters of a folder's name

Configs = Mapping[str, ConfigDict]


class Shared(NamedTuple):
  """Starts that cells share, and the cells that begin with them.

  starts: name -> the configuration of a run that only pre-trains
  cells: name -> configuration, with `init_from` where there is a start
  """

  starts: dict[str, ConfigDict]
  cells: dict[str, ConfigDict]


class Unit(NamedTuple):
  """What is trained at one time: a cell, or several as one program."""

  name: str
  cells: tuple[str, ...]


def share_starts(cells: Configs, folder: pathlib.Path) -> Shared:
  """Gives cells with the same pre-training one start; see `Shared`.

  One that nobody would share is not split off.
  """
  alike: dict[str, list[str]] = {}
  for name, config in cells.items():
    # A system with one phase has nothing to share.
    if config.mle.epochs and 'adversarial' in config and not config.init_from:
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


def _pretraining(config: ConfigDict) -> str:
  """Text that two configurations share if their pre-training is the same."""
  settings = as_system(config, 'mle').to_dict()
  keys = ('data', 'generator', 'mle', 'seed', 'num_seeds', 'unroll')
  return json.dumps(jsonable({k: settings[k] for k in keys}), sort_keys=True)


def program_of(config: ConfigDict) -> str:
  """Text that two configurations share if they can be one program.

  At zero a term is left out of a program, and a negative value has a meaning
  of its own: such values have to agree. Where a generator comes from makes no
  difference, as its parameters are arrays as well.
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
  """What is to be trained for the chosen cells, in their order.

  A cell that has begun by itself goes on by itself. A group that has begun
  stays as it is, as a grid may get new cells; a cell with other settings than
  it has there, such as a lower rate after it diverged, leaves it.

  Args:
    members: cells times seeds of one program at most
  """
  rest = [name for name in chosen if not has_begun(folder / name)]
  found = [Unit(n, (n,)) for n in chosen if n not in rest]
  taken = set()
  for path in sorted((folder / GROUPS).glob('*/config.json')):
    before = read_json(path)
    taken.add(path.parent.name)
    waiting = [name for name in rest if name in before]
    if (
      has_begun(path.parent)
      and set(before) <= set(cells)
      and waiting
      and all(_goes_on(before[n], cells[n]) for n in before)
    ):
      found.append(Unit(path.parent.name, tuple(before)))
      rest = [name for name in rest if name not in before]
  alike: dict[str, list[str]] = {}
  for name in rest:
    alike.setdefault(program_of(cells[name]), []).append(name)
  for names in alike.values():
    first = cells[names[0]]
    size = max(1, members // first.num_seeds)
    if first.on_nan == ROLLBACK:  # one member's fault would take back all
      size = 1
    for i in range(0, len(names), size):
      those = tuple(names[i : i + size])
      name = _joined(those)
      while len(those) > 1 and name in taken:
        name += '-again'
      found.append(Unit(name, those))
  return sorted(found, key=lambda unit: _first(unit, chosen))


def _goes_on(before: Mapping, config: ConfigDict) -> bool:
  """Whether a run with these recorded settings may go on with a configuration.

  Args:
    before: its config.json
  """
  settings = config.to_dict()
  old, new = flatten(before), flatten(jsonable(settings))
  return all(
    old.get(key) == value or is_free(key, settings, before)
    for key, value in new.items()
  )


def _first(unit: Unit, chosen: list[str]) -> int:
  return min(chosen.index(name) for name in unit.cells if name in chosen)


def _joined(names: tuple[str, ...]) -> str:
  """A name for several, the same whenever it is asked for."""
  name = '+'.join(names)
  if len(name) <= _LONGEST:
    return name
  mark = hashlib.sha256(name.encode()).hexdigest()[:8]
  return f'{names[0][:40]}+{len(names) - 1}-{mark}'
