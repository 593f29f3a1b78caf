"""Reads the records of a file in any supported format, gzip included."""

import gzip
import hashlib
import pathlib
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from moegan_jax.data.formats import FORMATS, TEXT, Format
from moegan_jax.data.reading import BLANK, DEFAULT, Columns, Record
from moegan_jax.data.textfile import decode, read_bytes
from moegan_jax.errors import UserError

# Extensions that would be read as text by mistake -> remedy.
_REFUSED = {
  '.json': 'save an object a line as .jsonl',
  '.npz': 'save one array as .npy',
}


class Records(NamedTuple):
  """Contents of a file.

  Attributes:
    records: all records, in the order of the file
    form: the format and the column, in words
    codec: codec that data.codec=auto selects for the format
    sha256: checksum of the file's bytes, uncompressed
    notes: remarks for the user
  """

  records: list[Record]
  form: str
  codec: str
  sha256: str
  notes: tuple[str, ...] = ()


def read_records(
  path: str | pathlib.Path,
  columns: Columns = DEFAULT,
  allow_blank: bool = False,
) -> Records:
  """Reads a file in the format of its extension.

  Args:
    path: such as 'a.csv' or 'a.csv.gz'. A file with an unknown extension is
      text, a sentence a line.
    columns: options for reading.
    allow_blank: accept a file whose records are all blank, such as samples of
      a generator that writes empty sentences only.

  Raises:
    UserError: the file does not exist, does not have the format, lacks a
      requested column, or has no record.
  """
  path = pathlib.Path(path)
  data = read_bytes(path)
  if path.suffix.lower() == '.gz':
    data = _gunzip(data, path)
  form = format_of(path)
  for setting, column in columns.named():
    if column and not form.columns:
      raise UserError(
        f'{setting}={column!r}: {path} is {form.name}, which has no columns; '
        'csv, tsv and jsonl have columns'
      )
  content: bytes | list[str] = data
  if not form.binary:
    content = decode(data, str(path), columns.encoding, tolerant=True)
  column, found, notes = form.read(content, str(path), columns)
  records = list(found)
  if not (allow_blank and records) and all(r.wrong == BLANK for r in records):
    what = 'has only blank lines' if data else 'is empty'
    raise UserError(f'{path} {what}: {form.name} is needed')
  said = f'{form.name}, column {column}' if column else form.name
  sha256 = hashlib.sha256(data).hexdigest()
  return Records(records, said, form.codec, sha256, tuple(notes))


def format_of(path: str | pathlib.Path) -> Format:
  """Returns the format of a file's extension; TEXT if it is unknown.

  Raises:
    UserError: the extension is that of a format that is not supported and
      would be read as text.
  """
  suffixes = [suffix.lower() for suffix in pathlib.Path(path).suffixes]
  if suffixes[-1:] == ['.gz']:
    suffixes.pop()
  ending = suffixes[-1] if suffixes else ''
  if ending in _REFUSED:
    raise UserError(f'{path}: {ending} is not supported; {_REFUSED[ending]}')
  return FORMATS.get(ending, TEXT)


def summary(records: Sequence[Record], name: str) -> list[str]:
  """Returns one line for each reason why records of a file were dropped."""
  found: dict[str, list[Record]] = {}
  for record in records:
    if record.wrong:
      found.setdefault(record.wrong, []).append(record)
  lines = []
  for reason, those in found.items():
    line = ' '.join(filter(None, (those[0].file, f'line {those[0].line}')))
    first = ', '.join(filter(None, (line, those[0].detail)))
    lines.append(f'{len(those):,} of {name}: {reason} (first: {first})')
  return lines


def _gunzip(data: bytes, path: pathlib.Path) -> bytes:
  try:
    return gzip.decompress(data)
  except (OSError, EOFError, zlib.error) as error:
    raise UserError(
      f'{path} is no whole gzip file ({error}): download or compress it again'
    ) from None
