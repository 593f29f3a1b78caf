"""Tests of locks on POSIX, on Windows and without system support."""

import os
import sys
import types

import pytest

from moegan_jax.store import lock


def test_lock_is_exclusive_until_the_file_is_closed(tmp_path):
  path = tmp_path / 'lock'
  file = lock.acquire(path)
  assert path.read_text() == f'{os.getpid()}\n'
  with pytest.raises(lock.HeldError, match=str(os.getpid())):
    lock.acquire(path)
  file.close()
  lock.acquire(path).close()


class Windows(types.SimpleNamespace):
  """Imitates the byte locks of Windows for two locks in one process."""

  LK_NBLCK = 2

  def __init__(self):
    self.held = {}

  def locking(self, descriptor, mode, count):
    assert (mode, count) == (self.LK_NBLCK, 1)
    at = os.lseek(descriptor, 0, os.SEEK_CUR)
    inode = os.fstat(descriptor).st_ino
    if (inode, at) in self.held:
      raise PermissionError(13, 'Permission denied')
    self.held[inode, at] = descriptor


def test_lock_on_windows(tmp_path, monkeypatch):
  windows = Windows()
  monkeypatch.setattr(lock, 'fcntl', None)
  monkeypatch.setattr(lock, 'msvcrt', windows, raising=False)
  file = lock.acquire(tmp_path / 'lock')
  with pytest.raises(lock.HeldError, match=str(os.getpid())):
    lock.acquire(tmp_path / 'lock')
  # The process id can be read, because another byte is locked.
  assert [at for _, at in windows.held] == [1 << 20]
  file.close()


def test_system_without_locks(tmp_path, monkeypatch):
  monkeypatch.setattr(lock, 'fcntl', None)
  monkeypatch.setattr(lock, 'msvcrt', None, raising=False)
  first, second = (lock.acquire(tmp_path / 'lock') for _ in range(2))
  first.close()
  second.close()


def test_programs_import_without_fcntl():
  import subprocess

  code = (
    'import sys; sys.modules["fcntl"] = None\n'
    'from moegan_jax import exported, trained\n'
    'from moegan_jax.experiment import train_app\n'
  )
  done = subprocess.run([sys.executable, '-c', code], capture_output=True)
  assert done.returncode == 0, done.stderr.decode()[-500:]
