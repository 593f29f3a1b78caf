"""Formats of files: how bytes become records.

Nothing is run or unpickled: tables by the csv module, lines by the json
module, arrays by NumPy without pickle. A record that cannot be used is kept
with the reason, so that it can be counted.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from moegan_jax.data.textfile import decode
from moegan_jax.errors import UserError, unknown

BLANK = 'blank'  # a reason that says nothing against the file
_USUAL = 'text'  # the column that is read where none is named


class Record(NamedTuple):
  """A sequence of a file.

  line: where it stands, from 1; the row of an array
  text: without line breaks
  label: '' without a column of labels
  wrong: why it cannot be used; '' if it can
  detail: of that reason, for this record
  tokens: of the text, once it is tokenised
  """

  line: int
  text: str = ''
  label: str = ''
  wrong: str = ''
  detail: str = ''
  tokens: list[str] = []  # noqa: RUF012  (never changed)


class Columns(NamedTuple):
  """Which column (field) is read; '' for the usual one, and for no labels.

  setting, label_setting: what a message calls them
  """

  text: str = ''
  label: str = ''
  setting: str = 'data.column'
  label_setting: str = 'data.label_column'

  def named(self) -> tuple[tuple[str, str], tuple[str, str]]:
    """Setting and value, of both."""
    return (self.setting, self.text), (self.label_setting, self.label)


DEFAULT = Columns()


class Format(NamedTuple):
  """A file format.

  name: in words
  codec: what 'auto' stands for
  read: (bytes, name of the file, Columns) -> column, records
  columns: whether it has any
  """

  name: str
  codec: str
  read: Callable[[bytes, str, Columns], tuple[str, Iterator[Record]]]
  columns: bool = False


# --- a record a line --------------------------------------------------------


def _record(line: int, text: str, label: str = '') -> Record:
  """A record of one line, or why it is none."""
  # A sample is printed and saved as a line, so a line is what is learnt.
  text = ' '.join(part.strip() for part in re.split(r'[\r\n]+', text)).strip()
  return Record(line, text, label.strip(), '' if text else BLANK)


def _read_lines(data: bytes, name: str, columns: Columns):
  del columns
  lines = enumerate(decode(data, name), start=1)
  return '', (_record(i, line) for i, line in lines)


def _read_smiles(data: bytes, name: str, columns: Columns):
  """SMILES is the first field of a line; a name may follow."""
  del columns
  lines = enumerate(decode(data, name), start=1)
  return '', (_record(i, ''.join(line.split()[:1])) for i, line in lines)


def _read_fasta(data: bytes, name: str, columns: Columns):
  """Sequences over any number of lines; headers and comments are left out."""
  del columns
  found: list[tuple[int, list[str]]] = []
  for i, line in enumerate(decode(data, name), start=1):
    line = line.strip()
    if line.startswith('>'):
      found.append((i, []))
    elif line and not line.startswith(';'):
      if not found:
        raise UserError(
          f'{name}, line {i}: no header, which begins with ">", stands before'
          ' the first sequence: a FASTA file is needed'
        )
      found[-1][1].append(''.join(line.split()))
  return '', (_record(i, ''.join(parts)) for i, parts in found)


# --- tables -----------------------------------------------------------------


def _choose(columns: Columns, names: Sequence[str], name: str) -> Columns:
  """The columns to read, from those that there are.

  Raises:
    UserError: one that does not exist, or none that is usual.
  """
  for setting, column in columns.named():
    if column and column not in names:
      raise UserError(f'{name}: {unknown(setting, column, names)}')
  rest = [n for n in names if n != columns.label]
  text = columns.text or (rest[0] if len(rest) == 1 else _USUAL)
  if text not in names:
    raise UserError(
      f'{name} has the columns {", ".join(names)}: choose one by'
      f' {columns.setting}'
    )
  return columns._replace(text=text)


def _read_csv(data: bytes, name: str, columns: Columns):
  """Fields between commas; or semicolons or tabs, if the header has those."""
  return _read_table(data, name, columns, ',;\t', strict=True)


def _read_tsv(data: bytes, name: str, columns: Columns):
  """Fields as they stand: in this format a quotation mark is a character."""
  return _read_table(data, name, columns, '\t', quoting=csv.QUOTE_NONE)


def _read_table(
  data: bytes, name: str, columns: Columns, delimiters: str, **dialect
):
  """A table; the delimiter is the first one that its header has."""
  lines = decode(data, name)
  delimiter = next((c for c in delimiters if c in lines[0]), delimiters[0])
  reader = csv.reader(
    (f'{line}\n' for line in lines), delimiter=delimiter, **dialect
  )
  rows = _rows(reader, name)
  _, header = next(rows, (1, []))
  names = [field.strip() for field in header]
  if not any(names):
    raise UserError(f'{name}, line 1: a table begins with the names of columns')
  chosen = _choose(columns, names, name)
  text_at = names.index(chosen.text)
  label_at = names.index(chosen.label) if chosen.label else None

  def records():
    for line, row in rows:
      if not row:
        yield Record(line, wrong=BLANK)
      elif len(row) != len(names):
        detail = f'{len(row)} in place of {len(names)}'
        yield Record(
          line, wrong='a row with another number of fields', detail=detail
        )
      elif label_at is None:
        yield _record(line, row[text_at])
      else:
        yield _labelled(_record(line, row[text_at], row[label_at]))

  return chosen.text, records()


def _rows(reader, name: str) -> Iterator[tuple[int, list[str]]]:
  """Rows with the line where each begins."""
  while True:
    line = reader.line_num + 1
    # The module refuses fields of more than 131,072 characters; its limit is
    # one for the whole process.
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


def _labelled(record: Record) -> Record:
  if record.wrong or record.label:
    return record
  return record._replace(wrong='a row without a label')


def _read_jsonl(data: bytes, name: str, columns: Columns):
  """Strings and numbers of one field of the object in each line."""
  lines = decode(data, name)
  values = [_parse(line) for line in lines]
  if not any(map(str.strip, lines)):
    return '', (Record(i, wrong=BLANK) for i in range(1, len(lines) + 1))
  fields = (key for v in values if isinstance(v, dict) for key in v)
  names = list(dict.fromkeys(fields))
  if not names:
    raise UserError(f'{name}: no line is a JSON object, {{"text": "..."}}')
  chosen = _choose(columns, names, name)

  def records():
    for i, (line, value) in enumerate(zip(lines, values), start=1):
      if not line.strip():
        yield Record(i, wrong=BLANK)
      elif not isinstance(value, dict):
        yield Record(i, wrong='not a JSON object')
      elif (text := _as_text(value.get(chosen.text))) is None:
        yield Record(
          i, wrong=f'an object without text in the field {chosen.text}'
        )
      elif not chosen.label:
        yield _record(i, text)
      else:
        label = _as_text(value.get(chosen.label)) or ''
        yield _labelled(_record(i, text, label))

  return chosen.text, records()


def _parse(line: str):
  """The value of a line of JSON; None where it is none."""
  try:
    return json.loads(line)
  except (ValueError, RecursionError):
    return None


def _is_text(value) -> bool:
  """Whether it is a string that a text file can hold.

  JSON can escape what UTF-8 has no bytes for, and the zero character.
  """
  if not isinstance(value, str) or '\0' in value:
    return False
  try:
    value.encode()
  except UnicodeEncodeError:
    return False
  return True


def _as_text(value) -> str | None:
  """A string, a number or a truth value as text; None for anything else."""
  if isinstance(value, int | float):
    return json.dumps(value)
  return value if _is_text(value) else None


# --- arrays -----------------------------------------------------------------


def _read_npy(data: bytes, name: str, columns: Columns):
  """Rows of ids [N, T], each up to its first 0, which is pad and end."""
  del columns
  try:
    array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
  except (ValueError, EOFError, OSError, MemoryError) as error:
    reason = str(error).split('\n')[0]
    raise UserError(f'{name} is no array of NumPy: {reason}') from None
  if array.ndim != 2 or array.dtype.kind not in 'iu':
    raise UserError(
      f'{name} holds {array.dtype} {list(array.shape)}: a matrix of whole'
      ' numbers [N, T] is needed'
    )
  if array.size and array.min() < 0:
    row = int(np.argmax((array < 0).any(axis=1))) + 1
    raise UserError(f'{name}, row {row}: ids must not be negative')
  ended = np.logical_or.accumulate(array == 0, axis=1)
  late = (ended & (array != 0)).any(axis=1)
  if late.any():
    raise UserError(
      f'{name}, row {int(np.argmax(late)) + 1}: ids follow on a 0, which is pad'
      ' and end: add 1 to the ids if yours begin with 0'
    )
  rows = (row[row != 0].tolist() for row in array)
  return '', (
    _record(i, ' '.join(map(str, row))) for i, row in enumerate(rows, start=1)
  )


TEXT = Format('a sentence a line', 'word', _read_lines)
_FASTA = Format('FASTA', 'fasta', _read_fasta)
_SMILES = Format('SMILES, one a line', 'smiles', _read_smiles)
_JSONL = Format('JSON, an object a line', 'word', _read_jsonl, columns=True)

# ending -> Format; any other ending is TEXT
FORMATS = {
  '.txt': TEXT,
  '.csv': Format('a csv table', 'word', _read_csv, columns=True),
  '.tsv': Format('a tsv table', 'word', _read_tsv, columns=True),
  '.jsonl': _JSONL,
  '.ndjson': _JSONL,
  '.fasta': _FASTA,
  '.fa': _FASTA,
  '.fna': _FASTA,
  '.faa': _FASTA,
  '.smi': _SMILES,
  '.smiles': _SMILES,
  '.npy': Format('an array of ids', 'ids', _read_npy),
}
