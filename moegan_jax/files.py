"""Files: atomic writes and strict JSON."""

import errno
import hashlib
import json
import math
import os
import pathlib
import re
import sys
from collections.abc import Mapping
from typing import Any

from moegan_jax.errors import UserError

_MAX_LINKS = 40  # symbolic links to follow, the limit of Linux


def jsonable(value: Any) -> Any:
  """Converts a value to types that strict JSON supports.

  Arrays and tuples become lists, and keys become strings. Floats that JSON
  does not support become the strings 'nan', 'inf' and '-inf', which `float`
  reads.

  Raises:
    TypeError: the value has another type, such as a function.
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
  """Converts the strings 'nan', 'inf' and '-inf' back to floats."""
  if isinstance(value, dict):
    return {k: floats(v) for k, v in value.items()}
  if isinstance(value, list):
    return [floats(v) for v in value]
  special = isinstance(value, str) and value in ('nan', 'inf', '-inf')
  return float(value) if special else value


def write_text(path: str | os.PathLike, text: str) -> None:
  r"""Writes a UTF-8 file; see `write_bytes`.

  Names of files may have bytes that are not UTF-8. Python represents them by
  surrogates, which are written as escapes such as \udce9. JSON reads an escape
  as the surrogate, so the name survives.
  """
  write_bytes(path, text.encode('utf-8', 'backslashreplace'))


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
  """Writes a file completely or not at all.

  A regular file is replaced in one step. The target of a symbolic link is
  replaced and the link is kept. Pipes, devices and descriptors such as
  /dev/stdout are written directly.

  Args:
    path: the file, link, pipe or device.
    content: the whole content.

  Raises:
    UserError: the file cannot be written.
    BrokenPipeError: the reader of a pipe has closed it.
  """
  path = pathlib.Path(path)
  try:
    descriptor = _descriptor(path)
    if descriptor is not None:
      _flush_standard_streams()
      with os.fdopen(os.dup(descriptor), 'wb') as file:
        file.write(content)
    elif path.exists() and not path.is_file():
      with path.open('wb') as file:
        file.write(content)
    else:
      _replace(_target(path), content)
  except BrokenPipeError:
    raise
  except (OSError, RuntimeError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(
      f'cannot write {path}: {reason}; choose another file'
    ) from error


def check_writable(path: str | os.PathLike, flag: str = '--output') -> None:
  """Checks, without writing, that `write_bytes` can write a file.

  Args:
    path: the file, link, pipe or device.
    flag: the command-line flag that names the file, for the message.

  Raises:
    UserError: the path is a folder, its folder is missing, or writing is not
      permitted.
  """
  path = pathlib.Path(path)
  try:
    if _descriptor(path) is not None:
      return
    target = _target(path)
    if target.is_dir() or not target.parent.is_dir():
      raise UserError(f'{flag}={path}: name a file in a folder that exists')
    direct = target.exists() and not target.is_file()
  except (OSError, RuntimeError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(f'{flag}={path}: {reason}; name another file') from error
  if not os.access(target if direct else target.parent, os.W_OK):
    raise UserError(
      f'{flag}={path} cannot be written: name a file in a folder where you '
      'may write'
    )


def _target(path: pathlib.Path) -> pathlib.Path:
  """Follows symbolic links; OSError or RuntimeError for a loop of links."""
  target = path.resolve()
  if target.is_symlink():  # Python 3.13 returns a link of the loop
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
  return target


def _replace(path: pathlib.Path, content: bytes) -> None:
  """Writes a temporary file and renames it to `path`."""
  # A hash keeps the temporary name legal where the name itself has the
  # greatest legal length.
  digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()
  temporary = path.with_name(f'.{digest[:16]}.tmp')
  try:
    with temporary.open('wb') as file:
      file.write(content)
      file.flush()
      os.fsync(file.fileno())
    os.replace(temporary, path)
  except BaseException:
    temporary.unlink(missing_ok=True)
    raise


def _descriptor(path: pathlib.Path) -> int | None:
  """Returns the file descriptor that a path such as /dev/stdout names.

  Opening such a path again would truncate a file that standard output is
  redirected to, so the descriptor itself must be used.
  """
  path = path.absolute()
  for _ in range(_MAX_LINKS):
    found = re.fullmatch(
      rf'/(?:dev|proc/(?:self|{os.getpid()}))/fd/(\d+)', os.path.normpath(path)
    )
    if found:
      return int(found[1])
    if not path.is_symlink():
      return None
    path = path.parent / path.readlink()
  return None


def _flush_standard_streams() -> None:
  """Keeps the order of what was printed before and what is written now."""
  for stream in (sys.stdout, sys.stderr):
    if stream is not None:
      stream.flush()


def write_json(path: str | os.PathLike, value: Any) -> None:
  """Writes a value as strict JSON; see `jsonable` and `write_bytes`."""
  text = json.dumps(
    jsonable(value), indent=2, ensure_ascii=False, allow_nan=False
  )
  write_text(path, text + '\n')


def read_json(path: str | os.PathLike) -> Any:
  """Reads a JSON file.

  Raises:
    UserError: the file is missing or is not JSON.
  """
  path = pathlib.Path(path)
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except FileNotFoundError:
    raise UserError(f'{path} does not exist: check the path') from None
  except OSError as error:
    raise UserError(
      f'cannot read {path}: {error.strerror}; check the path'
    ) from error
  except ValueError as error:
    raise UserError(
      f'cannot read {path}: it is not JSON ({error}); give an intact file'
    ) from error


def flatten(settings: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
  """Flattens nested settings to one dict with dotted keys."""
  flat: dict[str, Any] = {}
  for key, value in settings.items():
    if isinstance(value, dict):
      flat |= flatten(value, f'{prefix}{key}.')
    else:
      flat[f'{prefix}{key}'] = value
  return flat
