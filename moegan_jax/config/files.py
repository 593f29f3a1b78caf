"""Finds and runs config files.

A config file is a Python file that defines `get_config(variant)`, or
`get_sweep(variant)` for a grid.
"""

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
  """Returns the folder of the config files: package data, or the checkout's."""
  installed = _PACKAGE / 'configs'
  return installed if installed.is_dir() else _PACKAGE.parent / 'configs'


def names(subfolder: str = '') -> list[str]:
  """Returns the sorted names of the config files of the package.

  Args:
    subfolder: 'sweeps' for grids
  """
  return sorted(p.stem for p in (folder() / subfolder).glob('[!_]*.py'))


def load(text: str) -> ConfigDict:
  """Loads the configuration of 'NAME[:VARIANT]' or 'FILE.py[:VARIANT]'.

  Args:
    text: a config of the package or a config file, with a variant such as
      'captions,cpu'

  Raises:
    UserError: the file does not exist or fails, or a setting is unknown or
      missing.
  """
  path, _, variant = text.partition(':')
  config = call(find(path), 'get_config', variant)
  if not isinstance(config, ConfigDict):
    raise UserError(
      f'{path}: get_config returns {type(config).__name__}; return a ConfigDict'
    )
  check_keys(config)
  return config


def find(text: str, subfolder: str = '') -> pathlib.Path:
  """Finds the file of a name or a path.

  Args:
    text: the path of a file, or the name of a config of the package
    subfolder: subfolder of the package's configs to search for a name

  Raises:
    UserError: there is no such file.
  """
  path = pathlib.Path(text).expanduser()
  if not re.fullmatch(r'\w+', text):
    if path.is_file():
      return path
    raise UserError(
      f'there is no file {path}; `moegan-jax train --list` lists the configs '
      'of the package'
    )
  packaged = folder() / subfolder / f'{text}.py'
  if not packaged.is_file():
    raise unknown('grid' if subfolder else 'config', text, names(subfolder))
  return packaged


def call(path: str | os.PathLike, function: str, variant: str) -> Any:
  """Runs a Python file and calls one of its functions with a variant.

  Args:
    path: the file
    function: name of the function
    variant: its argument

  Returns:
    The value of the function.

  Raises:
    UserError: the file or the function does not exist, or fails.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise UserError(f'there is no file {path}; check the path')
  spec = importlib.util.spec_from_file_location(f'_file_{path.stem}', path)
  if spec is None or spec.loader is None:
    raise UserError(f'{path} is not a Python file; its name must end in .py')
  module = importlib.util.module_from_spec(spec)
  before = list(sys.path)
  # A user's file may import modules of the working directory.
  sys.path.insert(0, os.getcwd())
  try:
    spec.loader.exec_module(module)
    return getattr(module, function)(variant)
  except UserError:
    raise
  # A user's file may raise any exception.
  except Exception as error:
    message = ' '.join(str(error).split())
    raise UserError(
      f'{path}, {function}: {type(error).__name__}: {message}'
    ) from error
  finally:
    sys.path[:] = before
