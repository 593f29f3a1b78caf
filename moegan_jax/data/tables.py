"""Reads tables with the csv module."""

import csv
import re
from collections.abc import Iterator, Sequence

from moegan_jax.data.reading import (
  BLANK,
  HEADERS,
  Columns,
  Content,
  Record,
  choose,
  labelled,
  record_of,
)
from moegan_jax.data.textfile import bad_bytes
from moegan_jax.errors import UserError, unknown

_NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?', re.IGNORECASE)
_SENTENCE = 5  # words; a name of a column has fewer

Row = tuple[int, list[str]]  # line where it begins, fields


def read_csv(lines: list[str], name: str, columns: Columns) -> Content:
  """Reads fields between commas, or semicolons or tabs if line 1 has those."""
  return _read(lines, name, columns, ',;\t', strict=True)


def read_tsv(lines: list[str], name: str, columns: Columns) -> Content:
  """Reads fields between tabs; a quotation mark is an ordinary character."""
  return _read(lines, name, columns, '\t', quoting=csv.QUOTE_NONE)


def _read(
  lines: list[str], name: str, columns: Columns, delimiters: str, **dialect
) -> Content:
  """Reads a table; the delimiter is the first one that occurs in line 1."""
  header = columns.header.lower()
  if header not in HEADERS:
    raise unknown('data.header', columns.header, HEADERS)
  delimiter = next((c for c in delimiters if c in lines[0]), delimiters[0])
  rows = list(
    _rows(
      csv.reader(
        (f'{line}\n' for line in lines), delimiter=delimiter, **dialect
      ),
      name,
    )
  )
  first = [field.strip() for field in rows[0][1]] if rows else []
  if not any(first):
    raise UserError(
      f'{name}, line 1: a table begins with the names of columns, or with its'
      ' first row and data.header=false'
    )
  names, hint, notes = first, '', []
  if header == 'false':
    names = [str(i + 1) for i in range(len(first))]
  else:
    del rows[0]
    if bad := bad_bytes(''.join(first)):
      raise UserError(
        f'{name}, line 1: byte {bad} is not UTF-8: save it as UTF-8 (training'
        ' also reads other encodings: data.encoding)'
      )
    if header == 'auto' and (value := _value(first, rows)):
      hint = (
        f'; {value!r} in line 1 looks like data: set --config.data.header=false'
        ' if the table has no names of columns'
      )
  chosen = choose(columns, names, name, hint)
  if hint:
    notes.append(f'{name}{hint.replace(";", ":", 1)}')
  return Content(chosen.text, _records(rows, names, chosen), notes)


def _records(
  rows: Sequence[Row], names: list[str], chosen: Columns
) -> Iterator[Record]:
  text_at = names.index(chosen.text)
  label_at = names.index(chosen.label) if chosen.label else None
  for line, row in rows:
    if not row:
      yield Record(line, wrong=BLANK)
    elif len(row) != len(names):
      detail = f'{len(row)} in place of {len(names)}'
      yield Record(
        line, wrong='a row with another number of fields', detail=detail
      )
    elif label_at is None:
      yield record_of(line, row[text_at])
    else:
      yield labelled(record_of(line, row[text_at], row[label_at]))


def _value(header: list[str], rows: Sequence[Row]) -> str:
  """Returns a field of the header that looks like data, or ''.

  That is a number, a sentence, or a value that occurs again below.
  """
  for i, field in enumerate(header):
    words = field.split()
    ended = len(words) > 1 and field.endswith(('.', '?', '!'))
    if _NUMBER.fullmatch(field) or ended or len(words) >= _SENTENCE:
      return field
    column = (row[i].strip() for _, row in rows if len(row) > i)
    if field and field in column:
      return field
  return ''


def _rows(reader, name: str) -> Iterator[Row]:
  """Yields the rows of a csv reader.

  Raises:
    UserError: the csv module cannot read a row.
  """
  while True:
    line = reader.line_num + 1
    # By default the module refuses fields of more than 131,072 characters. The
    # limit belongs to the process, so it is restored.
    limit = csv.field_size_limit(2**31 - 1)
    try:
      row = next(reader)
    except StopIteration:
      return
    except csv.Error as error:
      raise UserError(
        f'{name}: the row that begins in line {line} cannot be read ({error});'
        ' look for a stray quotation mark'
      ) from None
    finally:
      csv.field_size_limit(limit)
    yield line, row
