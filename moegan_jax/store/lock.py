"""An exclusive lock on a file, on POSIX systems and on Windows."""

import importlib
import os
import pathlib
from typing import IO, Any


def _imported(name: str) -> Any:
  """Imports a module that only some platforms have; None without it."""
  try:
    return importlib.import_module(name)
  except ImportError:
    return None


fcntl = _imported('fcntl')  # POSIX
msvcrt = _imported('msvcrt')  # Windows

# Windows refuses to read a locked byte, so a byte beyond the content is locked.
_OFFSET = 1 << 20


class HeldError(Exception):
  """Another process holds the lock; the text is its process id."""


def acquire(path: pathlib.Path) -> IO[str]:
  """Locks a file for this process and writes the process id to it.

  Some network file systems do not support locks. On these the file is returned
  without a lock.

  Args:
    path: the file; it is created if it does not exist.

  Returns:
    The open file. Closing it, or the end of the process, releases the lock.

  Raises:
    HeldError: another process holds the lock.
    OSError: the file cannot be opened.
  """
  file = path.open('a+', encoding='utf-8')
  try:
    _lock(file)
  except (BlockingIOError, PermissionError):
    file.seek(0)
    owner = file.read().strip() or 'unknown'
    file.close()
    raise HeldError(owner) from None
  except OSError:
    pass
  file.truncate(0)
  file.write(f'{os.getpid()}\n')
  file.flush()
  return file


def _lock(file: IO[str]) -> None:
  if fcntl is not None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  elif msvcrt is not None:
    file.seek(_OFFSET)
    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
