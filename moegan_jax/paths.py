"""Paths that a person typed."""

import os
import pathlib

from moegan_jax.errors import UserError


def expand(path: str | os.PathLike) -> str:
  """Replaces a leading `~` or `~user` by the home directory.

  A shell expands `~` at the start of a word only, so programs receive
  `--workdir=~/x` as it was typed. A path stays as it is if the home directory
  is unknown.
  """
  return os.path.expanduser(os.fspath(path))


def check_folder(path: str | os.PathLike, flag: str = '--output') -> None:
  """Checks, before the work begins, that files can be written to a folder.

  Args:
    path: folder to write to; missing parents are legal.
    flag: what the error calls it.

  Raises:
    UserError: the path or the closest existing parent is not a directory, or
      writing there is not permitted.
  """
  place = pathlib.Path(path).absolute()
  while not place.exists() and place != place.parent:
    place = place.parent
  if not place.is_dir():
    raise UserError(f'{flag}={path}: {place} is a file, name a folder')
  if not os.access(place, os.W_OK | os.X_OK):
    raise UserError(f'{flag}={path} cannot be written: choose another place')
