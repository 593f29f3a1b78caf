"""Tests of reading text files as lines."""

import pytest

from moegan_jax.data import textfile
from moegan_jax.errors import UserError


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


def test_no_file(tmp_path):
  with pytest.raises(UserError, match='is a directory'):
    textfile.read_text(tmp_path)
  with pytest.raises(UserError, match='cannot be read'):
    textfile.read_text('a\0b')
