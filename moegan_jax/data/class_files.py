"""Reads texts that have a file of each class: the setting `data.paths`."""

import hashlib
import pathlib
from collections.abc import Sequence

from moegan_jax.data.reading import Columns, Record
from moegan_jax.data.records import Records, read_records
from moegan_jax.errors import UserError


def check(path: str, paths: str, test_path: str) -> None:
  """Checks that the settings of the section `data` name one source of text.

  Raises:
    UserError: they name none, two, or a test file without classes.
  """
  if not path and not paths:
    raise UserError('no file given: set --config.data.path to a text file')
  if path and paths:
    raise UserError('data.path and data.paths are both set: leave one out')
  if paths and test_path:
    raise UserError(
      f'data.test_path={test_path} has no classes beside data.paths: leave it'
      ' out, and test lines are drawn from all files'
    )


def place(record: Record) -> tuple[str, int]:
  """Returns what identifies a record: its file and line."""
  return record.file, record.line


def files_of(paths: str) -> list[str]:
  """Returns the files of `data.paths`, which are separated by commas."""
  return [path.strip() for path in paths.split(',') if path.strip()]


def class_of(path: str) -> str:
  """Returns the class of a file, its name without extensions."""
  file = pathlib.Path(path)
  return pathlib.Path(file.stem).stem if file.suffix == '.gz' else file.stem


def name_of(paths: str) -> str:
  """Returns the name of a corpus in one file, or in a file of each class."""
  return '-'.join(map(class_of, files_of(paths)))


def read_classes(paths: str, columns: Columns) -> Records:
  """Reads a file of each class.

  Args:
    paths: at least two files of one format, separated by commas.
    columns: options for reading; there is no column of labels.

  Returns:
    The records of all files, labelled by the names of their files. The classes
    alternate in proportion to their sizes, because the last training lines
    become the validation part and `data.limit` keeps the first ones.

  Raises:
    UserError: fewer than two files, two files of one class, files of different
      formats, a column of labels, or a file that cannot be read.
  """
  files = files_of(paths)
  if len(files) < 2:
    raise UserError(
      f'data.paths={paths!r} names one file: name a file of each class, '
      'separated by commas, or set data.path'
    )
  if columns.label:
    raise UserError(
      f'data.label_column={columns.label!r} with data.paths: the files are the '
      'classes; leave one of them out'
    )
  names = [class_of(path) for path in files]
  twice = [name for name in names if names.count(name) > 1]
  if twice:
    raise UserError(
      f'data.paths names two files of the class {twice[0]!r}, the name without '
      'its ending: rename one of them'
    )
  found = [read_records(path, columns) for path in files]
  codecs = list(dict.fromkeys(file.codec for file in found))
  if len(codecs) > 1:
    raise UserError(
      f'data.paths names files of several formats, whose tokens are '
      f'{" and ".join(codecs)}: convert them to one format'
    )
  labelled = [
    [r._replace(label=name, file=path) for r in file.records]
    for name, path, file in zip(names, files, found)
  ]
  sums = ''.join(file.sha256 for file in found)
  return Records(
    _alternating(labelled),
    '; '.join(dict.fromkeys(file.form for file in found)),
    codecs[0],
    hashlib.sha256(sums.encode()).hexdigest(),
    tuple(
      f'{path}: {note}'
      for path, file in zip(files, found)
      for note in file.notes
    ),
  )


def _alternating(files: Sequence[list[Record]]) -> list[Record]:
  """Merges lists so that every part has a proportional share of each."""
  placed = [
    ((i + 0.5) / len(records), number, record)
    for number, records in enumerate(files)
    for i, record in enumerate(records)
  ]
  return [record for *_, record in sorted(placed, key=lambda one: one[:2])]
