"""Atomic writes, links, pipes, and checks before writing."""

import json
import os
import threading

import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import errors, files


def test_json_is_strict_and_written_atomically(tmp_path, monkeypatch):
  path = tmp_path / 'x.json'
  value = {'a': jnp.ones(2), 1: np.float32(0.5), 'n': float('nan'), 'p': path}
  files.write_json(path, value)
  found = json.loads(path.read_text(), parse_constant=pytest.fail)
  assert found == {'a': [1, 1], '1': 0.5, 'n': 'nan', 'p': str(path)}
  with pytest.raises(TypeError, match='cannot hold'):
    files.write_json(path, {'f': print})

  def refuse(*_):
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr(files.os, 'fsync', refuse)
  with pytest.raises(errors.UserError, match='No space left'):
    files.write_json(path, {})
  assert json.loads(path.read_text()) == found
  assert [p.name for p in tmp_path.iterdir()] == ['x.json']


def test_names_of_other_encodings_survive_json(tmp_path):
  path = tmp_path / os.fsdecode(b'caf\xe9 \xff.json')
  files.check_writable(path)
  files.write_json(path, {'path': path, 'text': 'é 我'})
  assert files.read_json(path) == {'path': str(path), 'text': 'é 我'}
  path.read_text(encoding='utf-8')  # the file is UTF-8
  assert os.listdir(os.fsencode(tmp_path)) == [b'caf\xe9 \xff.json']


def test_pipes_and_links_keep_their_targets(tmp_path):
  pipe = tmp_path / 'pipe'
  os.mkfifo(pipe)
  found = []
  reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
  reader.start()
  files.write_bytes(pipe, b'text')
  reader.join()
  assert found == [b'text'] and pipe.is_fifo()
  link, target = tmp_path / 'link', tmp_path / 'target'
  link.symlink_to(target)
  for content in ('new', 'newer'):
    files.check_writable(link)
    files.write_text(link, content)
    assert link.is_symlink() and target.read_text() == content
  assert {p.name for p in tmp_path.iterdir()} == {'pipe', 'link', 'target'}


def test_a_descriptor_is_written_and_not_truncated(tmp_path):
  with (tmp_path / 'file').open('w+b', buffering=0) as file:
    file.write(b'before ')
    path = f'/dev/fd/{file.fileno()}'
    files.check_writable(path)
    files.write_text(path, 'after')
    file.seek(0)
    assert file.read() == b'before after'


@pytest.mark.parametrize(
  'name', ['loop', 'missing/x', '.', 'file/x', '\0', 'y' * 300]
)
def test_unwritable_output_is_refused_in_advance(tmp_path, name):
  (tmp_path / 'loop').symlink_to('loop')
  (tmp_path / 'file').touch()
  with pytest.raises(errors.UserError, match='--output='):
    files.check_writable(tmp_path / name)
  with pytest.raises(errors.UserError, match='cannot write'):
    files.write_text(tmp_path / name, 'x')


def test_folder_without_permission_is_refused_in_advance(tmp_path, monkeypatch):
  monkeypatch.setattr(files.os, 'access', lambda path, mode: False)
  with pytest.raises(errors.UserError, match=r'--report=.* cannot be written'):
    files.check_writable(tmp_path / 'x', '--report')
