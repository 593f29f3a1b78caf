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
  'test': 'test_path',
  'oracle': 'oracle_file',
  'folder': 'dir',
}


def recorded(**paths: str) -> dict[str, str]:
  """Returns the entry `paths` of a record: absolute paths of the texts.

  Args:
    **paths: part of SETTINGS -> path that the user gave; '' is omitted.
  """
  return {
    part: os.path.abspath(expand(path)) for part, path in paths.items() if path
  }


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
      given = expand(settings[SETTINGS[part]])
      if os.path.isabs(given) and os.path.exists(given):
        continue
      if os.path.exists(path):
        settings[SETTINGS[part]] = path
      elif not os.path.exists(given):
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
  for part in named:
    file = found
    if found.is_dir():
      file /= pathlib.Path(paths.get(part) or _value(settings, part)).name
    elif len(named) > 1:
      raise UserError(
        f'--texts={place}: {run} was trained on {len(named)} files: name the'
        ' folder that has them'
      )
    if not file.exists():
      raise UserError(
        f'--texts={place} has no {file.name}, the text of {run}: name a folder'
        ' that has it'
      )
    settings[SETTINGS[part]] = str(file)


def _value(settings: Any, part: str) -> str:
  return settings.get(SETTINGS[part], '')
