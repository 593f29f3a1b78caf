"""Reads files as bytes, as text and as lines."""

import codecs
import hashlib
import os
import pathlib
import re
from typing import NamedTuple

from moegan_jax.errors import UserError, unknown
from moegan_jax.paths import expand

UTF8 = 'utf-8'
# What Python's `surrogateescape` puts in the place of an undecodable byte.
_ESCAPED = re.compile('[\udc80-\udcff]')
_BAD_SHARE = 0.1  # of lines; with more, the file has another encoding


class TextFile(NamedTuple):
  """Contents of a text file.

  Attributes:
    lines: stripped, without blank ones
    blank: number of blank lines that were skipped
    sha256: checksum of the file's bytes
  """

  lines: list[str]
  blank: int
  sha256: str


def read_text(path: str | os.PathLike) -> TextFile:
  """Reads a UTF-8 text file; see `read_bytes` and `parse_text` for errors."""
  return parse_text(read_bytes(path), str(path))


def read_bytes(path: str | os.PathLike) -> bytes:
  """Reads all bytes of a file.

  Args:
    path: of the file; a leading `~` is expanded.

  Raises:
    UserError: the file does not exist, is a directory or cannot be read.
  """
  path = pathlib.Path(expand(path))
  if path.is_dir():
    raise UserError(f'{path} is a directory: name a text file')
  try:
    return path.read_bytes()
  except FileNotFoundError:
    raise UserError(f'{path} does not exist: check the path') from None
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(f'{path} cannot be read: {reason}') from None


def read_written(path: str | os.PathLike) -> list[str]:
  """Reads the lines that `sample` or a run wrote, unchanged.

  Args:
    path: UTF-8 text file with one sentence a line.

  Returns:
    One string for each line, with leading and trailing blanks, which are
    tokens of the codec char. An empty line is an empty sentence.

  Raises:
    UserError: the file cannot be read or is not UTF-8.
  """
  data = read_bytes(path)
  try:
    text = data.decode(UTF8)
  except UnicodeDecodeError as error:
    raise _not_decodable(data, str(path), error, UTF8) from None
  return text.removesuffix('\n').split('\n') if text else []


def parse_text(data: bytes, name: str) -> TextFile:
  """Splits UTF-8 bytes into lines without blank ones; see `decode`.

  Args:
    data: contents of the file.
    name: of the file, for messages.

  Raises:
    UserError: the bytes are not UTF-8 text, or have only blank lines.
  """
  lines = [line.strip() for line in decode(data, name)]
  kept = [line for line in lines if line]
  if not kept:
    what = 'has only blank lines' if data else 'is empty'
    raise UserError(f'{name} {what}: a sentence a line is needed')
  sha256 = hashlib.sha256(data).hexdigest()
  return TextFile(kept, len(lines) - len(kept), sha256)


def decode(
  data: bytes, name: str, encoding: str = UTF8, tolerant: bool = False
) -> list[str]:
  """Decodes bytes and splits them into lines, without their line ends.

  Args:
    data: contents of the file.
    name: of the file, for messages.
    encoding: a text encoding that Python knows.
    tolerant: escape single bytes that are not UTF-8 (see `bad_bytes`) in
      place of an error, unless a tenth of the lines has some.

  Returns:
    The lines. Byte order marks at the start of any line are removed, because
    concatenated files have them in the middle.

  Raises:
    UserError: the encoding is unknown, or the bytes are not text in it.

  Line ends are those of Unix, Windows and old Macintosh systems.
  `str.splitlines` would also split at form feeds and at U+2028.
  """
  utf8 = _canonical(encoding) == UTF8
  if utf8 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
    raise UserError(
      f'{name} is UTF-16 text: save it as UTF-8 (training also reads it with'
      ' data.encoding=utf-16)'
    )
  if utf8 and b'\0' in data:
    raise UserError(
      f'{name} is a binary file (zero byte at offset {data.index(0)}):'
      ' a text file with a sentence a line is needed'
    )
  try:
    return _lines(data.decode(encoding))
  except UnicodeDecodeError as error:
    fault = _not_decodable(data, name, error, encoding)
  if utf8 and tolerant:
    lines = _lines(data.decode(encoding, 'surrogateescape'))
    if sum(map(bool, map(bad_bytes, lines))) < _BAD_SHARE * len(lines):
      return lines
  raise fault


def bad_bytes(text: str) -> str:
  """Returns the bytes of a tolerantly decoded text that are not UTF-8.

  Returns:
    Such as '0xe9' or '0xe9 0xff'; '' if there are none.
  """
  return ' '.join(f'0x{ord(c) - 0xDC00:02x}' for c in _ESCAPED.findall(text))


def _lines(text: str) -> list[str]:
  text = text.replace('\r\n', '\n').replace('\r', '\n')
  lines = text.removesuffix('\n').split('\n')
  return [line.removeprefix('\ufeff') for line in lines]


def _canonical(encoding: str) -> str:
  """Returns Python's name of a text encoding; UserError if there is none."""
  try:
    name = codecs.lookup(encoding).name
    b'aa'.decode(encoding, 'replace')  # refuses codecs of other kinds
  except (LookupError, ValueError):
    usual = (UTF8, 'utf-16', 'latin-1', 'cp1252', 'gb18030', 'shift_jis')
    raise unknown('data.encoding', encoding, usual) from None
  return name


def _not_decodable(
  data: bytes, name: str, error: UnicodeDecodeError, encoding: str
) -> UserError:
  start = error.start
  line = data.count(b'\n', 0, start) + 1
  called = 'UTF-8' if _canonical(encoding) == UTF8 else encoding
  return UserError(
    f'{name} is not {called}: byte 0x{data[start]:02x} at offset {start},'
    f' line {line}: save it as UTF-8 (training also reads other encodings:'
    ' data.encoding)'
  )
