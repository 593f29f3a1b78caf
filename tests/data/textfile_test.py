"""Any text file: what is read, what is split, and what is refused."""

import numpy as np
import pytest

from moegan_jax.data import textfile
from moegan_jax.errors import UserError

LINES = [f'word{i % 7} and Word{i % 5} .' for i in range(100)]


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path / 'cache'))


@pytest.fixture
def write(tmp_path):
  def write(content, name='my.txt'):
    if isinstance(content, list):
      content = '\n'.join(content)
    if isinstance(content, str):
      content = content.encode()
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)

  return write


@pytest.mark.parametrize(
  ('data', 'lines', 'blank'),
  [
    (b'a b\nc\n', ['a b', 'c'], 0),
    (b'a b\nc', ['a b', 'c'], 0),
    (b'\xef\xbb\xbfa\r\nb\r\n', ['a', 'b'], 0),
    (b'a\rb', ['a', 'b'], 0),
    (b'a\n\n  \nb   \n\n', ['a', 'b'], 3),
    ('a\u2028b\x0cc\x85d'.encode(), ['a\u2028b\x0cc\x85d'], 0),
  ],
)
def test_parse_text(data, lines, blank):
  file = textfile.parse_text(data, 'x')
  assert (file.lines, file.blank) == (lines, blank)


@pytest.mark.parametrize(
  ('data', 'message'),
  [
    (b'', 'x is empty'),
    (b'\n \r\n', 'x has only blank lines'),
    (b'ab\0c', 'x is a binary file .zero byte at offset 2'),
    ('ab'.encode('utf-16'), 'x is UTF-16 text: save it as UTF-8'),
    (b'ab\ncaf\xe9 x\n', 'x is not UTF-8: byte 0xe9 at offset 6, line 2'),
    (b'\xef\xbb\xbf\n\xe9', 'byte 0xe9 at offset 4, line 2'),
  ],
)
def test_parse_text_refuses(data, message):
  with pytest.raises(UserError, match=message) as caught:
    textfile.parse_text(data, 'x')
  assert '\n' not in str(caught.value)


def test_split_indices():
  train, test = textfile.split_indices(50, 0.1)
  assert len(test) == 5
  assert sorted([*train, *test]) == list(range(50))
  assert list(train) == sorted(train)
  again = textfile.split_indices(50, 0.1)
  np.testing.assert_array_equal(test, again[1])
  # RandomState never changes: this split is the corpus' identity.
  assert test.tolist() == [10, 28, 42, 47, 49]
  assert len(textfile.split_indices(20, 0.001)[1]) == 1


def test_load_text_splits_one_file(write):
  corpus = textfile.load_text(path=write(LINES))
  assert corpus.name == 'my'
  assert corpus.train.shape == (86, 4)
  assert corpus.valid.shape == (4, 4)
  assert corpus.test.shape == (10, 4)
  assert corpus.vocab_size == 7 + 2 + 1  # word0..6, and, ., pad
  assert len(corpus.record['files']['train']) == 64
  words = corpus.train_words + corpus.valid_words + corpus.test_words
  assert sorted(map(' '.join, words)) == sorted(map(str.lower, LINES))
  np.testing.assert_array_equal(
    textfile.load_text(path=write(LINES)).train, corpus.train
  )


def test_load_text_with_a_test_file(write):
  corpus = textfile.load_text(
    path=write(LINES),
    test_path=write(['word1 and something new here'], 'test.txt'),
    valid_share=0,
    name='mine',
  )
  assert corpus.name == 'mine'
  assert len(corpus.train) == 100
  assert corpus.test.shape == (1, 4)
  assert corpus.record['test_cut'] == 1
  assert corpus.record['test_unknown_lines'] == 1.0
  assert set(corpus.record['files']) == {'train', 'test'}


def test_char_codec_keeps_blanks_and_case(write):
  corpus = textfile.load_text(path=write(LINES), codec='char')
  assert corpus.text(corpus.train[:1])[0] in LINES
  assert {' ', 'W', 'w'} <= set(corpus.vocabulary)


def test_long_lines_and_blank_lines_are_counted(write):
  path = write([*LINES, '', 'one two three four five six', ' '])
  corpus = textfile.load_text(path=path, max_length=4)
  assert corpus.length == 4
  notes = ' | '.join(corpus.record['notes'])
  assert '1 lines of' in notes
  assert 'longer than 4 tokens' in notes
  assert '2 blank lines' in notes
  assert 'six' not in corpus.vocabulary


def test_min_count_drops_lines(write):
  path = write([*LINES, 'a hapax', 'another one'])
  test = write(['a hapax'], 'test.txt')
  corpus = textfile.load_text(path=path, test_path=test, min_count=2)
  assert len(corpus.train) + len(corpus.valid) == 100
  assert corpus.test.tolist() == [[corpus.unk, corpus.unk, 0, 0]]
  assert '2 training lines have a word' in ' '.join(corpus.record['notes'])


@pytest.mark.parametrize(
  ('content', 'settings', 'message'),
  [
    (LINES[:19], {}, 'my.txt: 19 lines are too few, at least 20'),
    (LINES[:20], {}, 'my.txt: 18 training lines are too few'),
    (LINES, {'max_length': 2}, 'all lines are longer than max_length=2 .the'),
    (LINES, {'min_count': 99}, 'my.txt: 0 training lines are too few'),
    (LINES, {'max_length': -1}, 'must not be negative'),
    (LINES, {'test_share': 0}, 'test_share is 0'),
    (LINES, {'test_share': 1.0}, 'test_share is 1.0'),
    (LINES, {'valid_share': 0.9}, 'valid_share is 0.9'),
    (LINES, {'codec': 'wrod'}, "unknown codec 'wrod'"),
    (LINES, {'codec': 'ids'}, "my.txt: 'word0' is no number"),
    (LINES, {'test_path': 'gone.txt'}, 'gone.txt does not exist'),
    ([*LINES, 'x ' * 2000], {}, 'longest line has 2,000 tokens'),
    ('', {}, 'my.txt is empty'),
  ],
)
def test_refusals_are_one_line(write, content, settings, message):
  with pytest.raises(UserError, match=message) as caught:
    textfile.load_text(path=write(content), **settings)
  assert '\n' not in str(caught.value)


def test_no_file(tmp_path):
  with pytest.raises(UserError, match='is a directory'):
    textfile.load_text(path=str(tmp_path))
  with pytest.raises(UserError, match='no text file given'):
    textfile.load_text(path='')
  with pytest.raises(UserError, match='cannot be read'):
    textfile.load_text(path='a\0b')
