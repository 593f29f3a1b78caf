"""Fixtures of the tests of corpora."""

import pytest


@pytest.fixture
def write(tmp_path):
  """Returns a function that writes a file and returns its path."""

  def write(content, name='my.txt'):
    if isinstance(content, list):
      content = '\n'.join(content)
    if isinstance(content, str):
      content = content.encode()
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)

  return write
