"""Finds the text files of an earlier run."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from moegan_jax.errors import UserError
from moegan_jax.paths import expand

# Part of a record -> setting that names the file or folder.
SETTINGS = {
  'train': 'path',
  'classes': 'paths',
  'test': 'test_path',
  'oracle': 'oracle_file',
  'folder': 'dir',
}


def recorded(**paths: str) -> dict[str, str]:
  """Returns the entry `paths` of a record: absolute paths of the texts.

  Args:
    **paths: part of SETTINGS -> path that the user gave; '' is omitted. The
      part 'classes' has several paths, separated by commas.
  """
  return {
    part: ','.join(os.path.abspath(p) for p in _files(part, path))
    for part, path in paths.items()
    if path
  }


def _files(part: str, path: str) -> list[str]:
  """Returns the files of a part, with ~ expanded."""
  files = path.split(',') if part == 'classes' else [path]
  return [expand(file.strip()) for file in files]


def locate(
  settings: Any, record: Mapping[str, Any], place: str, run: str
) -> None:
  """Sets the paths of a configuration to where the texts are now.

  Args:
    settings: section `data` of the configuration of a run; changed in place.
    record: record of the corpus of the run.
    place: folder or file that the user names; '' means the recorded paths.
    run: folder of the run, for messages.

  Raises:
    UserError: `place` does not exist, or lacks a file.

  Runs are read from any working directory, so a recorded absolute path is
  used before a relative one. A run whose record has no paths keeps its
  settings. The caller compares checksums.
  """
  paths = record.get('paths', {})
  if not place:
    for part, path in paths.items():
      given = _files(part, settings[SETTINGS[part]])
      exist = all(map(os.path.exists, given))
      if exist and all(map(os.path.isabs, given)):
        continue
      if all(map(os.path.exists, _files(part, path))):
        settings[SETTINGS[part]] = path
      elif not exist:
        raise UserError(
          f'{path}, the text of {run}, does not exist: name the folder that'
          ' has it now by --texts'
        )
    return
  found = pathlib.Path(expand(place))
  if not found.exists():
    raise UserError(f'--texts={place} does not exist: check the path')
  named = [part for part in SETTINGS if part in paths or _value(settings, part)]
  if 'folder' in named or settings.name.startswith(('coco', 'emnlp')):
    settings['dir'] = str(found)
    return
  before = {
    part: _files(part, paths.get(part) or _value(settings, part))
    for part in named
  }
  total = sum(map(len, before.values()))
  if total > 1 and not found.is_dir():
    raise UserError(
      f'--texts={place}: {run} was trained on {total} files: name the'
      ' folder that has them'
    )
  for part, files in before.items():
    now = [found / pathlib.Path(f).name for f in files]
    now = now if found.is_dir() else [found]
    for file in now:
      if not file.exists():
        raise UserError(
          f'--texts={place} has no {file.name}, the text of {run}: name a'
          ' folder that has it'
        )
    settings[SETTINGS[part]] = ','.join(map(str, now))


def _value(settings: Any, part: str) -> str:
  return settings.get(SETTINGS[part], '')
