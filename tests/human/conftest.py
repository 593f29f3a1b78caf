"""Texts and studies for the tests of the human evaluation."""

import pytest
from human_studies import LONG

from moegan_jax.human.sheet import make


@pytest.fixture
def texts(tmp_path):
  """Two texts of 40 lines: A has short lines and repeats, B has long lines."""
  folder = tmp_path / 'texts'
  folder.mkdir()
  a = [f'A man no {i // 2} .' for i in range(40)]
  b = [LONG.format(f'tén{i}') for i in range(40)]
  for name, lines in (('A', a), ('B', b)):
    text = ''.join(f'{line}\n' for line in lines)
    (folder / f'{name}.txt').write_text(text, encoding='utf-8')
  return {'A': folder / 'A.txt', 'B': folder / 'B.txt'}


@pytest.fixture
def study(texts, tmp_path):
  """Files of a study: three sheets, key and guide; 8 sentences per text."""
  return make(texts, tmp_path / 'sheet', n=8)
