"""Files as bytes, as text, and as lines; what is wrong with them in a line."""

import codecs
import hashlib
import pathlib
from typing import NamedTuple

from moegan_jax.errors import UserError


class TextFile(NamedTuple):
  """What a file holds.

  lines: stripped, none blank
  blank: how many blank lines were skipped
  sha256: of the file's bytes
  """

  lines: list[str]
  blank: int
  sha256: str


def read_text(path: str | pathlib.Path) -> TextFile:
  """Reads a text file; UserError in one line where it is none."""
  return parse_text(read_bytes(path), str(path))


def read_bytes(path: str | pathlib.Path) -> bytes:
  """All bytes of a file; UserError in one line where it cannot be read."""
  path = pathlib.Path(path)
  if path.is_dir():
    raise UserError(f'{path} is a directory: name a text file')
  try:
    return path.read_bytes()
  except FileNotFoundError:
    raise UserError(f'{path} does not exist: check the path') from None
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(f'{path} cannot be read: {reason}') from None


def parse_text(data: bytes, name: str) -> TextFile:
  """Lines of UTF-8 bytes; see `decode`.

  Args:
    data: contents of the file.
    name: of the file, for messages.

  Returns:
    The lines and their record.

  Raises:
    UserError: no text, not UTF-8, or nothing but blank lines.
  """
  lines = [line.strip() for line in decode(data, name)]
  kept = [line for line in lines if line]
  if not kept:
    what = 'has only blank lines' if data else 'is empty'
    raise UserError(f'{name} {what}: a sentence a line is needed')
  sha256 = hashlib.sha256(data).hexdigest()
  return TextFile(kept, len(lines) - len(kept), sha256)


def decode(data: bytes, name: str) -> list[str]:
  """Lines of UTF-8 bytes, without their ends.

  Byte order marks are removed at the start of every line, because joined files
  have them in the middle. Windows and old Macintosh line ends count as line
  ends, and nothing else does: `str.splitlines` would also split a line at a
  form feed or at U+2028.

  Args:
    data: contents of the file.
    name: of the file, for messages.

  Raises:
    UserError: no text, or not UTF-8.
  """
  if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
    raise UserError(f'{name} is UTF-16 text: save it as UTF-8')
  if b'\0' in data:
    raise UserError(
      f'{name} is a binary file (zero byte at offset {data.index(0)}):'
      ' a text file with a sentence a line is needed'
    )
  try:
    text = data.decode('utf-8-sig')
  except UnicodeDecodeError as error:
    # With a byte order mark, offsets count from behind it.
    start = error.start + len(data) - len(error.object)
    line = data.count(b'\n', 0, start) + 1
    raise UserError(
      f'{name} is not UTF-8: byte 0x{data[start]:02x} at offset {start},'
      f' line {line}: save it as UTF-8'
    ) from None
  text = text.replace('\r\n', '\n').replace('\r', '\n')
  lines = text.removesuffix('\n').split('\n')
  return [line.removeprefix('\ufeff') for line in lines]
