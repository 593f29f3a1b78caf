"""Records of a file in any of the usual formats, gzip-compressed or not."""

import gzip
import hashlib
import pathlib
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from moegan_jax.data.formats import (
  BLANK,
  DEFAULT,
  FORMATS,
  TEXT,
  Columns,
  Format,
  Record,
)
from moegan_jax.data.textfile import read_bytes
from moegan_jax.errors import UserError

# What would be read as text, and is not meant to be.
_REFUSED = {
  '.json': 'save an object a line as .jsonl',
  '.npz': 'save one array as .npy',
}


class Records(NamedTuple):
  """What a file holds.

  records: all of them, in the order of the file
  form: the format and the column, in words
  codec: the one that suits the format
  sha256: of the file's bytes, uncompressed
  """

  records: list[Record]
  form: str
  codec: str
  sha256: str


def read_records(
  path: str | pathlib.Path, columns: Columns = DEFAULT
) -> Records:
  """Reads a file in the format that its name ends in.

  Args:
    path: such as 'a.csv' or 'a.csv.gz'; an unknown ending is text, a sentence
      a line.
    columns: by name, for tables.

  Raises:
    UserError: no such file, not the format, no such column, or no record.
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
        'csv, tsv and jsonl have'
      )
  column, found = form.read(data, str(path), columns)
  records = list(found)
  if all(record.wrong == BLANK for record in records):
    what = 'has only blank lines' if data else 'is empty'
    raise UserError(f'{path} {what}: {form.name} is needed')
  said = f'{form.name}, column {column}' if column else form.name
  return Records(records, said, form.codec, hashlib.sha256(data).hexdigest())


def format_of(path: str | pathlib.Path) -> Format:
  """The format that a file's name ends in; text, where it is none.

  Raises:
    UserError: what would be read as text, and is not meant to be.
  """
  suffixes = [suffix.lower() for suffix in pathlib.Path(path).suffixes]
  if suffixes[-1:] == ['.gz']:
    suffixes.pop()
  ending = suffixes[-1] if suffixes else ''
  if ending in _REFUSED:
    raise UserError(f'{path}: {ending} is not read; {_REFUSED[ending]}')
  return FORMATS.get(ending, TEXT)


def summary(records: Sequence[Record], name: str) -> list[str]:
  """What was dropped of a file and why, a line a reason."""
  found: dict[str, list[Record]] = {}
  for record in records:
    if record.wrong:
      found.setdefault(record.wrong, []).append(record)
  lines = []
  for reason, those in found.items():
    first = ', '.join(filter(None, (f'line {those[0].line}', those[0].detail)))
    lines.append(f'{len(those):,} of {name}: {reason} (first: {first})')
  return lines


def _gunzip(data: bytes, path: pathlib.Path) -> bytes:
  try:
    return gzip.decompress(data)
  except (OSError, EOFError, zlib.error) as error:
    raise UserError(
      f'{path} is no whole gzip file ({error}): fetch or compress it again'
    ) from None
