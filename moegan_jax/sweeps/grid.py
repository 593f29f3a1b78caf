"""Grids: files that say which experiments make a sweep.

A grid is a Python file with `get_sweep(variant) -> dict`:

  base: the configuration of all cells, a ConfigDict or 'NAME[:VARIANT]'
  cells: name -> {'section.key': value}; with a 'base' of its own it begins
    with another configuration
  seeds: runs of each cell side by side (default: what `base` says)
  share_start: whether cells that differ in their adversarial phase alone
    begin with one and the same pre-trained generator (default: True)
  members: cells times seeds that one program takes at most (default: 16)
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
  """A sweep: the name of its file, and the configuration of each cell."""

  name: str
  cells: dict[str, ConfigDict]
  changes: dict[str, dict[str, Any]]
  share_start: bool
  members: int


@contextlib.contextmanager
def named(what: str) -> Iterator[None]:
  """Prefixes the text of a UserError with the name of its subject."""
  try:
    yield
  except UserError as error:
    raise UserError(f'{what}: {error}') from error


def load(
  text: str,
  seeds: int | None = None,
  settings: Mapping[str, Any] | None = None,
) -> Grid:
  """The grid of 'NAME[:VARIANT]' or 'FILE.py[:VARIANT]'.

  Args:
    seeds: in the place of what the file says
    settings: dotted key -> value, of all cells that have it and do not set it

  Raises:
    UserError: no such file, one that fails, or a cell with an unknown
      setting or a bad value; a setting that no cell has.
  """
  settings = dict(settings or {})
  path, _, variant = text.partition(':')
  with named(f'--grid={text}'):
    found = config.files.call(
      config.files.find(path, 'sweeps'), 'get_sweep', variant
    )
    if not isinstance(found, Mapping) or not found.get('cells'):
      raise UserError("get_sweep must return a dict with 'base' and 'cells'")
    if not isinstance(found['cells'], Mapping):
      raise UserError("'cells' must be a dict: name -> {'section.key': value}")
    for key in found:
      if key not in _KEYS:
        raise unknown('key', str(key), _KEYS)
    cells, changes, taken = {}, {}, set()
    for name, given in found['cells'].items():
      with named(f'cell {name}'):
        fits = isinstance(name, str) and _NAME.fullmatch(name)
        if not fits or name in _TAKEN:
          raise UserError(
            'a name is a text of letters, digits, _ and -, and not '
            + ' or '.join(_TAKEN)
          )
        if not isinstance(given, Mapping):
          raise UserError(
            f"{given!r} is not a dict {{'section.key': value}}; an empty one "
            'is the base itself'
          )
        changes[name] = {k: v for k, v in given.items() if k != 'base'}
        base = given.get('base', found.get('base'))
        count = found.get('seeds') if seeds is None else seeds
        first = {} if count is None else {'num_seeds': count}
        common = {k: v for k, v in settings.items() if k not in changes[name]}
        cells[name] = configure(base, first | common | changes[name], common)
        taken |= set(common) & set(config.keys(cells[name]))
        check(cells[name])
    for key in settings:
      if key not in taken:
        raise UserError(f'{key} has no effect on any cell; leave it out')
    members = found.get('members', MEMBERS)
    if not isinstance(members, int) or members < 1:
      raise UserError(f'members={members!r} must be at least 1')
  stem = pathlib.Path(path).stem
  name = f'{stem}-{variant.replace(",", "-")}' if variant else stem
  shared = bool(found.get('share_start', True))
  return Grid(name, cells, changes, shared, members)


def configure(
  base: Any, changes: Mapping[str, Any], optional: Container[str] = ()
) -> ConfigDict:
  """A copy of a configuration with some settings changed.

  Args:
    base: a ConfigDict or 'NAME[:VARIANT]', 'FILE.py[:VARIANT]'
    changes: dotted key -> value
    optional: keys that are skipped if the configuration does not have them

  Raises:
    UserError: an unknown setting, or a value of another type.
  """
  if isinstance(base, str):
    with named(f'base={base!r}'):
      base = config.load(base)
  if not isinstance(base, ConfigDict):
    raise UserError(
      f"base={base!r} is neither a ConfigDict nor 'NAME[:VARIANT]'"
    )
  return config.override(base, changes, optional)
