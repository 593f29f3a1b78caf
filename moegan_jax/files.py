"""Atomic writes and strict JSON for the files of a run."""

import json
import math
import os
import pathlib
from typing import Any

from moegan_jax.errors import UserError


def jsonable(value: Any) -> Any:
  """Converts a value to types that strict JSON can represent.

  Args:
    value: nested dicts, lists, tuples, arrays, paths and Python scalars

  Returns:
    The same structure with arrays and tuples as lists, dict keys as strings,
    and the non-finite floats as the strings 'nan', 'inf' and '-inf', which
    `float` parses.

  Raises:
    TypeError: the value contains another type, such as a function.
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
  """Converts the strings 'nan', 'inf' and '-inf' back to floats.

  Args:
    value: a value read from JSON

  Returns:
    The same structure, as it was before `jsonable`.
  """
  if isinstance(value, dict):
    return {k: floats(v) for k, v in value.items()}
  if isinstance(value, list):
    return [floats(v) for v in value]
  special = isinstance(value, str) and value in ('nan', 'inf', '-inf')
  return float(value) if special else value


def write_text(path: str | os.PathLike, text: str) -> None:
  """Writes a UTF-8 file atomically; see `write_bytes`."""
  write_bytes(path, text.encode('utf-8'))


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
  """Writes a file atomically: a crash leaves the old content or the new one.

  Args:
    path: file to create or replace; its directory must exist
    content: the whole content

  Raises:
    UserError: the file cannot be written.

  The content goes to a temporary file in the same directory, which then
  replaces `path`.
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
    raise UserError(
      f'cannot write {path}: {error.strerror}; check that its directory '
      'exists, is writable and has space'
    ) from error


def write_json(path: str | os.PathLike, value: Any) -> None:
  """Writes a value atomically as strict JSON; see `jsonable`.

  Raises:
    TypeError: JSON cannot represent the value.
    UserError: the file cannot be written.
  """
  text = json.dumps(
    jsonable(value), indent=2, ensure_ascii=False, allow_nan=False
  )
  write_text(path, text + '\n')


def read_json(path: str | os.PathLike) -> Any:
  """Returns the value stored in a JSON file.

  Raises:
    UserError: the file cannot be read or is not valid JSON.
  """
  path = pathlib.Path(path)
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except (OSError, ValueError) as error:
    fault = getattr(error, 'strerror', None) or error
    raise UserError(
      f'cannot read {path}: {fault}; check the path, or restore the file'
    ) from error


def flatten(settings: dict[str, Any], prefix: str = '') -> dict[str, Any]:
  """Flattens nested settings to one dict with dotted keys.

  Args:
    settings: nested dicts with string keys
    prefix: prepended to every key

  Returns:
    For example {'a.b': 1} for {'a': {'b': 1}}.
  """
  flat: dict[str, Any] = {}
  for key, value in settings.items():
    if isinstance(value, dict):
      flat |= flatten(value, f'{prefix}{key}.')
    else:
      flat[f'{prefix}{key}'] = value
  return flat
