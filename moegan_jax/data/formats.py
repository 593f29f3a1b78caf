"""File formats: convert the content of a file to records.

Nothing in a file is executed or unpickled: tables go through the csv module,
JSON lines through the json module, arrays through NumPy without pickle. A
record that cannot be used keeps the reason, so that it can be counted.
"""

import io
import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from moegan_jax.data.reading import (
  BLANK,
  DEFAULT,
  NOT_UTF8,
  Columns,
  Content,
  Record,
  choose,
  labelled,
  record_of,
)
from moegan_jax.data.tables import read_csv, read_tsv
from moegan_jax.data.textfile import bad_bytes
from moegan_jax.errors import UserError

__all__ = (
  'BLANK',
  'DEFAULT',
  'FORMATS',
  'TEXT',
  'Columns',
  'Format',
  'Record',
)


class Format(NamedTuple):
  """A file format.

  Attributes:
    name: in words
    codec: the codec that data.codec=auto selects
    read: (lines, or bytes of a binary format; name of the file; Columns) ->
      Content
    columns: whether the format has columns
    binary: whether the format is no text
  """

  name: str
  codec: str
  read: Callable[..., Content]
  columns: bool = False
  binary: bool = False


def _read_lines(lines: list[str], name: str, columns: Columns) -> Content:
  """Reads one record a line."""
  del name, columns
  return Content(
    '', (record_of(i, line) for i, line in enumerate(lines, start=1))
  )


def _read_smiles(lines: list[str], name: str, columns: Columns) -> Content:
  """Reads the first field of each line; the name of a molecule may follow."""
  del name, columns
  found = enumerate(lines, start=1)
  return Content(
    '', (record_of(i, ''.join(line.split()[:1])) for i, line in found)
  )


def _read_fasta(lines: list[str], name: str, columns: Columns) -> Content:
  """Reads sequences of one or more lines; skips headers and comments."""
  del columns
  found: list[tuple[int, list[str]]] = []
  for i, line in enumerate(lines, start=1):
    line = line.strip()
    if line.startswith('>'):
      found.append((i, []))
    elif line and not line.startswith(';'):
      if not found:
        raise UserError(
          f'{name}, line {i}: no header, which begins with ">", precedes the'
          ' first sequence: a FASTA file is needed'
        )
      found[-1][1].append(''.join(line.split()))
  return Content('', (record_of(i, ''.join(parts)) for i, parts in found))


def _read_jsonl(lines: list[str], name: str, columns: Columns) -> Content:
  """Reads strings and numbers of one field of the object in each line."""
  values = [_parse(line) for line in lines]
  if not any(map(str.strip, lines)):
    return Content('', [Record(i + 1, wrong=BLANK) for i in range(len(lines))])
  fields = (key for v in values if isinstance(v, dict) for key in v)
  names = [key for key in dict.fromkeys(fields) if not bad_bytes(key)]
  if not names:
    raise UserError(f'{name}: no line is a JSON object, {{"text": "..."}}')
  chosen = choose(columns, names, name)

  def records():
    for i, (line, value) in enumerate(zip(lines, values), start=1):
      if not line.strip():
        yield Record(i, wrong=BLANK)
      elif bad := bad_bytes(line):
        yield Record(i, wrong=NOT_UTF8, detail=f'byte {bad}')
      elif not isinstance(value, dict):
        yield Record(i, wrong='not a JSON object')
      elif (text := _as_text(value.get(chosen.text))) is None:
        yield Record(
          i, wrong=f'an object without text in the field {chosen.text}'
        )
      elif not chosen.label:
        yield record_of(i, text)
      else:
        label = _as_text(value.get(chosen.label)) or ''
        yield labelled(record_of(i, text, label))

  return Content(chosen.text, records())


def _parse(line: str):
  """Parses a line of JSON; None if it is invalid."""
  try:
    return json.loads(line)
  except (ValueError, RecursionError):
    return None


def _is_text(value) -> bool:
  """Returns whether a value is a string that a UTF-8 text file can hold.

  JSON can escape lone surrogates and the zero character.
  """
  if not isinstance(value, str) or '\0' in value:
    return False
  try:
    value.encode()
  except UnicodeEncodeError:
    return False
  return True


def _as_text(value) -> str | None:
  """Converts a string, a number or a truth value to text, others to None."""
  if isinstance(value, int | float):
    return json.dumps(value)
  return value if _is_text(value) else None


def _read_npy(data: bytes, name: str, columns: Columns) -> Content:
  """Reads rows of ids [N, T], each up to its first 0 (pad and end)."""
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
      ' and end: add 1 to all ids if they begin with 0'
    )
  rows = (row[row != 0].tolist() for row in array)
  return Content(
    '',
    (record_of(i, ' '.join(map(str, r))) for i, r in enumerate(rows, start=1)),
  )


TEXT = Format('a sentence a line', 'word', _read_lines)
_FASTA = Format('FASTA', 'fasta', _read_fasta)
_SMILES = Format('SMILES, one a line', 'smiles', _read_smiles)
_JSONL = Format('JSON, an object a line', 'word', _read_jsonl, columns=True)

# File extension -> Format; any other extension is TEXT.
FORMATS = {
  '.txt': TEXT,
  '.csv': Format('a csv table', 'word', read_csv, columns=True),
  '.tsv': Format('a tsv table', 'word', read_tsv, columns=True),
  '.jsonl': _JSONL,
  '.ndjson': _JSONL,
  '.fasta': _FASTA,
  '.fa': _FASTA,
  '.fna': _FASTA,
  '.faa': _FASTA,
  '.smi': _SMILES,
  '.smiles': _SMILES,
  '.npy': Format('an array of ids', 'ids', _read_npy, binary=True),
}
