"""Grids: files that say which experiments make a sweep.

A grid is a Python file with `get_sweep(variant) -> dict`:

  base: the configuration of all cells, a ConfigDict or
    'configs/NAME.py[:VARIANT]'
  cells: name -> {'section.key': value}; with a 'base' of its own it begins
    with another configuration
  seeds: runs of each cell side by side (default: what `base` says)
  share_start: whether cells that differ in their adversarial phase alone
    begin with one and the same pre-trained generator (default: True)
  members: cells times seeds that one program takes at most (default: 16)
"""

import contextlib
import difflib
import importlib.util
import os
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from moegan_jax.errors import UserError, unknown
from moegan_jax.train.settings import check
from moegan_jax.train.unread import check_read, is_unread

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
def said_of(what: str) -> Iterator[None]:
  """Puts the name of what is at fault before the text of a UserError."""
  try:
    yield
  except UserError as error:
    raise UserError(f'{what}: {error}') from error


def load(
  text: str,
  seeds: int | None = None,
  settings: Mapping[str, Any] | None = None,
) -> Grid:
  """The grid of 'configs/sweeps/NAME.py[:VARIANT]'.

  Args:
    seeds: in the place of what the file says
    settings: dotted key -> value, of all cells that do not set it themselves

  Raises:
    UserError: no such file, one that fails, or a cell with an unknown
      setting or a bad value; a setting that no cell reads.
  """
  path, _, variant = text.partition(':')
  with said_of(f'--grid={text}'):
    found = _call(path, 'get_sweep', variant)
    if not isinstance(found, Mapping) or not found.get('cells'):
      raise UserError("get_sweep must return a dict with 'base' and 'cells'")
    if not isinstance(found['cells'], Mapping):
      raise UserError("'cells' must be a dict: name -> {'section.key': value}")
    for key in found:
      if key not in _KEYS:
        raise unknown('key', str(key), _KEYS)
    cells, changes = {}, {}
    for name, given in found['cells'].items():
      with said_of(f'cell {name}'):
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
        common = first | dict(settings or {})
        cells[name] = configure(base, common | changes[name])
        check(cells[name])
        check_read(cells[name], changes[name])
    for key in settings or {}:
      if all(is_unread(c, key) or key in changes[n] for n, c in cells.items()):
        raise UserError(f'{key} has no effect on any cell; leave it out')
    members = found.get('members', MEMBERS)
    if not isinstance(members, int) or members < 1:
      raise UserError(f'members={members!r} must be at least 1')
  stem = pathlib.Path(path).stem
  name = f'{stem}-{variant.replace(",", "-")}' if variant else stem
  shared = bool(found.get('share_start', True))
  return Grid(name, cells, changes, shared, members)


def configure(base: Any, changes: Mapping[str, Any]) -> ConfigDict:
  """A copy of a configuration with some settings changed.

  Args:
    base: a ConfigDict or 'configs/NAME.py[:VARIANT]'
    changes: dotted key -> value of the type that the setting has

  Raises:
    UserError: an unknown setting, or a value of another type.
  """
  if isinstance(base, str):
    path, _, variant = base.partition(':')
    with said_of(f'base={base!r}'):
      base = _call(path, 'get_config', variant)
  if not isinstance(base, ConfigDict):
    raise UserError(
      f"base={base!r} is neither a ConfigDict nor 'configs/NAME.py[:VARIANT]'"
    )
  config = base.copy_and_resolve_references()
  for key, value in changes.items():
    *sections, name = str(key).split('.')
    place = config
    for section in sections:
      place = place.get(section) if isinstance(place, ConfigDict) else None
    if not isinstance(place, ConfigDict) or name not in place:
      near = difflib.get_close_matches(str(key), _settings(config), 1)
      hint = f'did you mean {near[0]!r}?' if near else 'see configs/common.py'
      raise UserError(f'there is no setting {key!r}; {hint}')
    old = place[name]
    # ConfigDict takes a bool for a number, and None for anything.
    strange = isinstance(value, bool) != isinstance(old, bool) or value is None
    try:
      if strange or isinstance(old, ConfigDict):
        raise TypeError
      place[name] = value
    except (TypeError, ValueError):
      kind = type(old).__name__
      wants = f'is of type {kind}'
      if isinstance(old, ConfigDict):
        wants = f'is a section; set {key}.{next(iter(old))} or another one'
      raise UserError(f'{key}={value!r}: {key} {wants}') from None
  return config


def _settings(config: ConfigDict, prefix: str = '') -> list[str]:
  """All dotted keys."""
  found = []
  for key, value in config.items():
    inner = isinstance(value, ConfigDict)
    found += (
      _settings(value, f'{prefix}{key}.') if inner else [f'{prefix}{key}']
    )
  return found


def _call(path: str | os.PathLike, function: str, variant: str) -> Any:
  """What a function of a Python file returns for a variant.

  Raises:
    UserError: no such file or function, or one that fails.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise UserError(f'there is no file {path}')
  spec = importlib.util.spec_from_file_location(f'_file_{path.stem}', path)
  if spec is None:
    raise UserError(f'{path} is no Python file')
  module = importlib.util.module_from_spec(spec)
  before = list(sys.path)
  sys.path.insert(0, os.getcwd())  # where `configs` is
  try:
    spec.loader.exec_module(module)
    return getattr(module, function)(variant)
  except UserError:
    raise
  except Exception as error:  # a file of anybody's may raise anything
    said = ' '.join(str(error).split())
    raise UserError(
      f'{path}, {function}: {type(error).__name__}: {said}'
    ) from error
  finally:
    sys.path[:] = before
