"""Tests of user paths."""

import os
import pathlib

import pytest

from moegan_jax import files, paths
from moegan_jax.errors import UserError
from moegan_jax.store.workdir import Workdir


def test_tilde_is_expanded(monkeypatch):
  monkeypatch.setenv('HOME', '/home/me')
  assert paths.expand('~/x') == '/home/me/x'
  assert paths.expand(pathlib.Path('~')) == '/home/me'
  for path in ('a/~', './~', 'a', '', '~nobody-of-this-name/x'):
    assert paths.expand(path) == path


def test_workdir_in_the_home_directory(tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', str(tmp_path))
  monkeypatch.chdir(tmp_path)
  Workdir('~/runs/x')
  assert [p.name for p in tmp_path.iterdir()] == ['runs']


def test_outputs(tmp_path):
  (tmp_path / 'file').write_text('')
  (tmp_path / 'link').symlink_to(tmp_path / 'new')
  for name in ('file', 'new', 'link', '[x]', 'a b'):
    files.check_writable(tmp_path / name)
  files.check_writable('/dev/stdout')
  for name in ('', 'gone/x', 'file/x'):
    with pytest.raises(UserError, match=r'--output=.* name a file in a folder'):
      files.check_writable(tmp_path / name)
  for name in ('', 'new', 'new/er', '[x]'):
    paths.check_folder(tmp_path / name)
  for name in ('file', 'file/x'):
    with pytest.raises(UserError, match=r'file is a file, name a folder'):
      paths.check_folder(tmp_path / name)


def test_path_without_permission_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(os, 'access', lambda path, mode: False)
  for check in (files.check_writable, paths.check_folder):
    with pytest.raises(UserError, match=r'--output=.*x cannot be written'):
      check(tmp_path / 'x')
