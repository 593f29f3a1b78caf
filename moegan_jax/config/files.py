"""Config files: Python files with `get_config(variant)` or `get_sweep`."""

import importlib.util
import os
import pathlib
import re
import sys
from typing import Any

from ml_collections import ConfigDict

from moegan_jax.config.compose import check_keys
from moegan_jax.errors import UserError, unknown

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def folder() -> pathlib.Path:
  """The folder of the config files: installed, or that of the checkout."""
  installed = _PACKAGE / 'configs'
  return installed if installed.is_dir() else _PACKAGE.parent / 'configs'


def names(subfolder: str = '') -> list[str]:
  """The names of the config files that come with the package."""
  return sorted(p.stem for p in (folder() / subfolder).glob('[!_]*.py'))


def load(text: str) -> ConfigDict:
  """The configuration of 'NAME[:VARIANT]' or 'FILE.py[:VARIANT]'.

  Raises:
    UserError: no such file, one that fails, or settings that its system does
      not read.
  """
  path, _, variant = text.partition(':')
  config = call(find(path), 'get_config', variant)
  if not isinstance(config, ConfigDict):
    raise UserError(f'{path}: get_config must return a ConfigDict')
  check_keys(config)
  return config


def find(text: str, subfolder: str = '') -> pathlib.Path:
  """The file of a name or a path.

  Args:
    text: the path of a file, or a name that comes with the package
    subfolder: of the package's folder, for a name

  Raises:
    UserError: there is none.
  """
  path = pathlib.Path(text).expanduser()
  if not re.fullmatch(r'\w+', text):
    if path.is_file():
      return path
    raise UserError(
      f'there is no file {path}; `moegan-jax train --list` shows the configs '
      'that come with the package'
    )
  packaged = folder() / subfolder / f'{text}.py'
  if not packaged.is_file():
    raise unknown('config', text, names(subfolder))
  return packaged


def call(path: str | os.PathLike, function: str, variant: str) -> Any:
  """The value of a function of a Python file for a variant.

  Raises:
    UserError: no such file or function, or one that fails.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise UserError(f'there is no file {path}')
  spec = importlib.util.spec_from_file_location(f'_file_{path.stem}', path)
  if spec is None:
    raise UserError(f'{path} is not a Python file')
  module = importlib.util.module_from_spec(spec)
  before = list(sys.path)
  sys.path.insert(0, os.getcwd())  # a user's file may import its neighbours
  try:
    spec.loader.exec_module(module)
    return getattr(module, function)(variant)
  except UserError:
    raise
  except Exception as error:  # a user's file may raise anything
    message = ' '.join(str(error).split())
    raise UserError(
      f'{path}, {function}: {type(error).__name__}: {message}'
    ) from error
  finally:
    sys.path[:] = before
