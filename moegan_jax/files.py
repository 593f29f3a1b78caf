"""Files of a run: whole or not at all, and strict JSON."""

import json
import math
import os
import pathlib
from typing import Any

from moegan_jax.errors import UserError


def jsonable(value: Any) -> Any:
  """A value as strict JSON can hold it.

  Arrays become lists, tuples lists, keys strings, and the floats that JSON
  lacks the strings 'nan', 'inf' and '-inf', which `float` understands.

  Raises:
    TypeError: anything else, such as an object or a function.
  """
  if isinstance(value, dict):
    return {str(k): jsonable(v) for k, v in value.items()}
  if isinstance(value, list | tuple):
    return [jsonable(v) for v in value]
  if hasattr(value, 'tolist'):  # NumPy and jax, arrays and scalars
    return jsonable(value.tolist())
  if isinstance(value, float) and not math.isfinite(value):
    return str(value)
  if value is None or isinstance(value, str | bool | int | float):
    return value
  if isinstance(value, os.PathLike):
    return os.fspath(value)
  raise TypeError(f'JSON cannot hold {value!r}')


def floats(value: Any) -> Any:
  """Undoes what `jsonable` does to the floats that JSON lacks."""
  if isinstance(value, dict):
    return {k: floats(v) for k, v in value.items()}
  if isinstance(value, list):
    return [floats(v) for v in value]
  special = isinstance(value, str) and value in ('nan', 'inf', '-inf')
  return float(value) if special else value


def write_text(path: str | os.PathLike, text: str) -> None:
  """Writes a whole UTF-8 file or nothing; see `write_bytes`."""
  write_bytes(path, text.encode('utf-8'))


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
  """Writes a whole file or nothing: a new file takes the old one's name.

  Raises:
    UserError: the file cannot be written.
  """
  path = pathlib.Path(path)
  temporary = path.with_name(f'.{path.name}.tmp')
  try:
    with temporary.open('wb') as file:
      file.write(content)
      file.flush()
      os.fsync(file.fileno())
    os.replace(temporary, path)
  except OSError as error:
    temporary.unlink(missing_ok=True)
    raise UserError(f'cannot write {path}: {error.strerror}') from error


def write_json(path: str | os.PathLike, value: Any) -> None:
  """Writes a value atomically as strict JSON; see `jsonable`."""
  text = json.dumps(
    jsonable(value), indent=2, ensure_ascii=False, allow_nan=False
  )
  write_text(path, text + '\n')


def read_json(path: str | os.PathLike) -> Any:
  """The value of a JSON file.

  Raises:
    UserError: it is missing or no JSON.
  """
  path = pathlib.Path(path)
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except (OSError, ValueError) as error:
    raise UserError(f'cannot read {path}: {error}') from error


def flatten(settings: dict[str, Any], prefix: str = '') -> dict[str, Any]:
  """Nested settings as one dict with dotted keys."""
  flat: dict[str, Any] = {}
  for key, value in settings.items():
    if isinstance(value, dict):
      flat |= flatten(value, f'{prefix}{key}.')
    else:
      flat[f'{prefix}{key}'] = value
  return flat
