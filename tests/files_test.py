"""Tests atomic writes and strict JSON."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import errors, files


def test_json_is_strict_and_atomic(tmp_path, monkeypatch):
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
