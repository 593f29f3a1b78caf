"""Tests of memory-mapped matrices of ids."""

import numpy as np
import pytest

from moegan_jax.data import matrix
from moegan_jax.data.corpus import array_sha256, describe
from moegan_jax.errors import UserError

IDS = np.random.RandomState(0).randint(1, 9, (100, 4)).astype(np.int32)
IDS[::3, 2:] = 0


def saved(tmp_path, array, name='ids.npy'):
  path = tmp_path / name
  np.save(path, array)
  return str(path)


def test_parts_are_contiguous_rows_of_the_file(tmp_path):
  corpus = matrix.load_matrix(path=saved(tmp_path, IDS))
  assert isinstance(corpus.train, np.memmap)
  parts = [corpus.train, corpus.valid, corpus.test]
  np.testing.assert_array_equal(np.concatenate(parts), IDS)
  assert list(map(len, parts)) == [86, 4, 10]
  assert corpus.vocab_size == 9 and corpus.length == 4
  np.testing.assert_array_equal(corpus.encode(corpus.train_words), IDS[:86])
  assert corpus.test_words[-1] == [str(i) for i in IDS[99] if i]
  assert corpus.record['train_sha256'] == array_sha256(IDS[:90])
  text = describe(corpus.record)
  assert '86 lines' in text and 'not shuffled' in text


def test_a_test_file_and_few_sentences(tmp_path, monkeypatch):
  monkeypatch.setattr(matrix, 'LINES', 7)
  monkeypatch.setattr(matrix, 'HELD_OUT', 3)
  corpus = matrix.load_matrix(
    path=saved(tmp_path, IDS), test_path=saved(tmp_path, IDS[:9], 'test.npy')
  )
  assert (len(corpus.train), len(corpus.valid), len(corpus.test)) == (97, 3, 9)
  words = (corpus.train_words, corpus.valid_words, corpus.test_words)
  assert list(map(len, words)) == [7, 3, 7]
  assert corpus.record['notes'] == [
    'measures of text see the first 7 lines of a part'
  ]


def changed(row, column, value):
  array = IDS.copy()
  array[row, column] = value
  return array


@pytest.mark.parametrize(
  ('array', 'said'),
  [
    (IDS.astype(np.float32), 'float32'),
    (IDS[0], 'a matrix int32'),
    (changed(70, 1, -1), 'row 71: ids must not be negative'),
    (changed(95, 0, 0), 'row 96: ids follow on a 0'),
    (IDS[:20], '18 training lines are too few'),
    (IDS * 0, 'all ids are 0'),
    (np.array([{}]), 'ids.npy cannot be read'),
  ],
)
def test_invalid_matrices_are_refused(tmp_path, array, said):
  with pytest.raises(UserError, match=said):
    matrix.load_matrix(path=saved(tmp_path, array))


def test_other_files_are_refused(tmp_path):
  with pytest.raises(UserError, match='No such file'):
    matrix.load_matrix(path=str(tmp_path / 'no.npy'))
  (tmp_path / 'text.npy').write_text('a dog is here\n')
  with pytest.raises(UserError, match='cannot be read as'):
    matrix.load_matrix(path=str(tmp_path / 'text.npy'))
  with pytest.raises(UserError, match='3 columns'):
    matrix.load_matrix(
      path=saved(tmp_path, IDS),
      test_path=saved(tmp_path, IDS[:, :3], 'narrow.npy'),
    )
  with pytest.raises(UserError, match=r'set --config\.data'):
    matrix.load_matrix(path='')
