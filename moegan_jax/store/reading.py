"""Readers of the files in a run folder. They do not need JAX."""

import json
import pathlib
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.files import floats, read_json
from moegan_jax.store import schema

# Keys of a record that are not metrics.
RECORD_KEYS = ('kind', 'phase', 'step', 'time')

_SAMPLE_NAME = re.compile(r'.+?(?:-seed(\d+))?-(\d+)')
_SHAPE_ERRORS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def check_finished(folder: pathlib.Path) -> None:
  """Checks that a folder holds a finished run.

  Raises:
    UserError: the folder does not exist, holds no run, or holds a run without
      results.
  """
  if not folder.is_dir():
    raise UserError(f'{folder} is not a folder; pass the folder of a run')
  if not (folder / schema.CONFIG).is_file():
    raise UserError(
      f'{folder} is not a run, since it has no {schema.CONFIG}; pass the '
      'folder of a run'
    )
  if not (folder / schema.RESULTS).is_file():
    raise UserError(
      f'{folder} is not finished, since it has no {schema.RESULTS}; repeat the '
      'command that started the run to finish it'
    )


def last_measured_step(folder: pathlib.Path) -> int:
  """Returns the last step that results.json covers; -1 if there is none.

  Raises:
    UserError: results.json is damaged.
  """
  results = folder / schema.RESULTS
  stages = read_json(results).get('stages', {}) if results.is_file() else {}
  return max((int(stage['end']) for stage in stages.values()), default=-1)


def parse_json(path: pathlib.Path, parse: Callable, missing: Any) -> Any:
  """Reads a JSON file and parses its value.

  Args:
    path: the file.
    parse: function of the JSON value; it raises on any unexpected shape.
    missing: returned if the file does not exist.

  Raises:
    UserError: the file cannot be read, or `parse` rejects it.
  """
  if not path.exists():
    return missing
  value = read_json(path)
  try:
    return parse(value)
  except _SHAPE_ERRORS as error:
    raise UserError(
      f'{path} is damaged: {type(error).__name__} {error}; delete it and '
      'finish the run again'
    ) from None


def read_metrics(path: pathlib.Path) -> list[dict[str, Any]]:
  """Reads the records of metrics.jsonl; [] if the file does not exist.

  A last line that is not a record is dropped, since a crash leaves one.

  Args:
    path: the file.

  Returns:
    Records in file order. Each has 'kind', 'phase' and an integer 'step'; the
    keys outside `RECORD_KEYS` hold a number or a list of numbers over seeds.

  Raises:
    UserError: the file cannot be read, or another line is not a record.
  """
  try:
    text = path.read_bytes() if path.exists() else b''
  except OSError as error:
    raise UserError(
      f'{path} cannot be read: {error.strerror}; check its permissions'
    ) from error
  lines = [(i, line) for i, line in enumerate(text.split(b'\n'), 1) if line]
  records = []
  for number, line in lines:
    try:
      records.append(_record(line))
    except _SHAPE_ERRORS:
      if number == lines[-1][0]:
        break
      raise UserError(
        f'{path}, line {number}, is not a record; delete the line'
      ) from None
  return records


def _record(line: bytes) -> dict[str, Any]:
  """Parses a line; raises one of `_SHAPE_ERRORS` if it is not a record."""
  record = as_dict(json.loads(line))
  record['step'] = int(record['step'])
  as_text(record['kind']), as_text(record['phase'])
  for name, value in record.items():
    if name not in RECORD_KEYS:
      as_numbers(value)
      record[name] = floats(value)
  return record


def read_features(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray] | None:
  """Reads the discriminator features of a run; None if there is no file.

  Returns:
    Features of real sentences [n, F] and of samples [m, F], float64, without
    the rows that are not finite.

  Raises:
    UserError: the file cannot be read, or has other arrays.
  """
  if not path.exists():
    return None
  try:
    with np.load(path, allow_pickle=False) as arrays:
      real, fake = (np.asarray(arrays[k], np.float64) for k in ('real', 'fake'))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
      raise ValueError('real and fake must have shapes [n, F] and [m, F]')
  except (*_SHAPE_ERRORS, OSError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f'{path} is damaged: {error}; delete it') from None
  real, fake = (a[np.isfinite(a).all(axis=1)] for a in (real, fake))
  return real, fake


def newest_samples(folder: pathlib.Path) -> pathlib.Path | None:
  """Returns the newest sample file of a run; None if there is none.

  The step in the file name decides, since copying a run changes the file
  times. If several seeds have samples of that step, the first seed is used.
  Files of a single class are left out.
  """
  found = [
    ((int(match[2]), -int(match[1] or 0)), path)
    for path in sorted((folder / schema.SAMPLES).glob('*.txt'))
    if (match := _SAMPLE_NAME.fullmatch(path.stem))
    and schema.OF_CLASS not in path.stem
  ]
  return max(found)[1] if found else None


def as_dict(value: Any) -> dict[str, Any]:
  """Returns a value that is a dict; raises TypeError otherwise."""
  if not isinstance(value, dict):
    raise TypeError(f'{type(value).__name__} instead of an object')
  return value


def as_text(value: Any) -> str:
  """Returns a value that is a string; raises TypeError otherwise."""
  if not isinstance(value, str):
    raise TypeError(f'{value!r} instead of text')
  return value


def as_numbers(value: Any) -> np.ndarray:
  """Returns a number, or a list of numbers over seeds, as float64 [seeds].

  JSON lacks NaN and infinity; the strings 'nan' and 'inf' stand for them.
  """
  values = value if isinstance(value, list) else [value]
  return np.array([float(v) for v in values], np.float64)
