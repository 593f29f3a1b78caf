"""Grids: Python files that define the experiments of a sweep.

A grid file has the function `get_sweep(variant)`, which returns a dict:

  base: configuration of all cells, a ConfigDict or 'NAME[:VARIANT]'.
  cells: name -> {'section.key': value}. The key 'base' of a cell replaces the
    common base.
  seeds: number of seeds of each cell (default: `num_seeds` of the base).
  share_start: whether cells with the same likelihood phase share one
    pre-trained generator (default: True).
  members: maximum number of cells times seeds in one program (default: 16).
"""

import contextlib
import pathlib
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from moegan_jax import config
from moegan_jax.errors import UserError, unknown
from moegan_jax.experiment.settings import check

MEMBERS = 16
_KEYS = ('base', 'cells', 'seeds', 'share_start', 'members')
_NAME = re.compile(r'[A-Za-z0-9_-]+')
_TAKEN = ('starts', 'groups')  # folders of a sweep


class Grid(NamedTuple):
  """A loaded grid.

  Attributes:
    name: FILE or FILE-VARIANT.
    cells: name -> configuration.
    changes: name -> the settings that the cell changes.
    share_start: see the module.
    members: see the module.
  """

  name: str
  cells: dict[str, ConfigDict]
  changes: dict[str, dict[str, Any]]
  share_start: bool
  members: int


@contextlib.contextmanager
def named(what: str) -> Iterator[None]:
  """Adds the prefix `what` to the message of a UserError."""
  try:
    yield
  except UserError as error:
    raise UserError(f'{what}: {error}') from error


def load(
  text: str,
  seeds: int | None = None,
  settings: Mapping[str, Any] | None = None,
) -> Grid:
  """Loads a grid.

  Args:
    text: 'NAME[:VARIANT]' or 'FILE.py[:VARIANT]'.
    seeds: number of seeds of each cell; None for the value of the grid.
    settings: dotted key -> value, for all cells that have the key and do not
      set it themselves.

  Raises:
    UserError: the file is missing or fails, a cell has an unknown setting or
      an invalid value, or no cell has a key of `settings`.
  """
  settings = dict(settings or {})
  path, _, variant = text.partition(':')
  with named(f'--grid={text}'):
    found = config.files.call(
      config.files.find(path, 'sweeps'), 'get_sweep', variant
    )
    if not isinstance(found, Mapping) or not found.get('cells'):
      raise UserError(
        "get_sweep returned no cells; return a dict with 'base' and 'cells'"
      )
    if not isinstance(found['cells'], Mapping):
      raise UserError(
        "'cells' is not a dict; use a dict name -> {'section.key': value}"
      )
    for key in found:
      if key not in _KEYS:
        raise unknown('key', str(key), _KEYS)
    cells, changes, taken = {}, {}, set()
    for name, given in found['cells'].items():
      with named(f'cell {name}'):
        fits = isinstance(name, str) and _NAME.fullmatch(name)
        if not fits or name in _TAKEN:
          raise UserError(
            'the name is invalid; use a text of letters, digits, _ and -, '
            f'other than {" and ".join(_TAKEN)}'
          )
        if not isinstance(given, Mapping):
          raise UserError(
            f"{given!r} is not a dict {{'section.key': value}}; use {{}} for "
            'the base itself'
          )
        changes[name] = {k: v for k, v in given.items() if k != 'base'}
        base = given.get('base', found.get('base'))
        count = found.get('seeds') if seeds is None else seeds
        first = {} if count is None else {'num_seeds': count}
        common = {k: v for k, v in settings.items() if k not in changes[name]}
        cells[name] = configure(base, first | common | changes[name], common)
        taken |= set(common) & set(config.keys(cells[name]))
        check(cells[name])
    for key in settings.keys() - taken:
      for cell in cells.values():
        if key not in config.keys(cell):
          config.override(cell, {key: settings[key]})  # names what is wrong
      if key not in taken:
        raise UserError(f'{key} has no effect on any cell; leave it out')
    members = found.get('members', MEMBERS)
    if not isinstance(members, int) or members < 1:
      raise UserError(f'members={members!r} must be at least 1; use 1 or more')
  stem = pathlib.Path(path).stem
  name = f'{stem}-{variant.replace(",", "-")}' if variant else stem
  shared = bool(found.get('share_start', True))
  return Grid(name, cells, changes, shared, members)


def configure(
  base: Any, changes: Mapping[str, Any], optional: Container[str] = ()
) -> ConfigDict:
  """Copies a configuration and changes some settings.

  Args:
    base: a ConfigDict, 'NAME[:VARIANT]' or 'FILE.py[:VARIANT]'.
    changes: dotted key -> value.
    optional: keys to skip if the configuration does not have them.

  Raises:
    UserError: a setting is unknown, or its value has another type.
  """
  if isinstance(base, str):
    with named(f'base={base!r}'):
      base = config.load(base)
  if not isinstance(base, ConfigDict):
    raise UserError(
      f'base={base!r} is not a configuration; use a ConfigDict or '
      "'NAME[:VARIANT]'"
    )
  return config.override(base, changes, optional)
