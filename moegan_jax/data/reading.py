"""Records of a file, and the options for reading them."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from moegan_jax.data.textfile import UTF8, bad_bytes
from moegan_jax.errors import UserError, unknown

BLANK = 'blank'  # a reason that is no fault of the file
NOT_UTF8 = 'bytes that are not UTF-8'  # a reason
HEADERS = ('auto', 'true', 'false')
_DEFAULT_COLUMN = 'text'


class Record(NamedTuple):
  """One sequence of a file.

  Attributes:
    line: line number, from 1; row number in an array
    text: without line breaks
    label: '' without a label column
    wrong: the reason why the record cannot be used; '' if it can
    detail: what the reason is about in this record
    tokens: of the text, once it is tokenised
    file: its file if a corpus has a file of each class; '' otherwise
  """

  line: int
  text: str = ''
  label: str = ''
  wrong: str = ''
  detail: str = ''
  tokens: list[str] = []  # noqa: RUF012  (never changed)
  file: str = ''


class Columns(NamedTuple):
  """Options for reading a file.

  Attributes:
    text: column (field) of the text; '' for the only one, or 'text'
    label: column of the labels; '' for no labels
    setting, label_setting: names of these two options in messages
    header: whether a table begins with the names of its columns: 'true',
      'false' (columns are then named 1, 2, ...), or 'auto', which is 'true'
      with a note if the first line looks like data
    encoding: text encoding that Python knows
  """

  text: str = ''
  label: str = ''
  setting: str = 'data.column'
  label_setting: str = 'data.label_column'
  header: str = 'auto'
  encoding: str = UTF8

  def named(self) -> tuple[tuple[str, str], tuple[str, str]]:
    """Returns the name and the value of both column options."""
    return (self.setting, self.text), (self.label_setting, self.label)


DEFAULT = Columns()


class Content(NamedTuple):
  """Records of a file.

  Attributes:
    column: name of the text column; '' in a format without columns
    records: in the order of the file
    notes: remarks for the user
  """

  column: str
  records: Iterable[Record]
  notes: Sequence[str] = ()


def record_of(line: int, text: str, label: str = '') -> Record:
  """Builds a record, and marks it if it is blank or not decodable.

  Line breaks become blanks: a sample is written as one line, so the training
  text of a sentence is one line as well.
  """
  if bad := bad_bytes(text + label):
    return Record(line, wrong=NOT_UTF8, detail=f'byte {bad}')
  text = ' '.join(part.strip() for part in re.split(r'[\r\n]+', text)).strip()
  return Record(line, text, label.strip(), '' if text else BLANK)


def labelled(record: Record) -> Record:
  """Marks a usable record that has no label."""
  if record.wrong or record.label:
    return record
  return record._replace(wrong='a row without a label')


def choose(
  columns: Columns, names: Sequence[str], name: str, hint: str = ''
) -> Columns:
  """Selects the columns to read.

  Args:
    columns: the request.
    names: the columns of the file.
    name: of the file, for messages.
    hint: appended to an error.

  Returns:
    The request with the name of the text column filled in.

  Raises:
    UserError: a requested column does not exist, or none is requested and
      several exist.
  """
  for setting, column in columns.named():
    if column and column not in names:
      raise UserError(f'{name}: {unknown(setting, column, names)}{hint}')
  rest = [n for n in names if n != columns.label]
  text = columns.text or (rest[0] if len(rest) == 1 else _DEFAULT_COLUMN)
  if text not in names:
    raise UserError(
      f'{name} has the columns {", ".join(names)}: choose one by'
      f' {columns.setting}{hint}'
    )
  return columns._replace(text=text)
