"""Helpers for the tests of the human evaluation."""

import csv
import io

from moegan_jax.human.key import read_key
from moegan_jax.human.sheet import COLUMNS

LONG = 'one two three four five six seven eight nine {}'  # ten words


def rows_of(path):
  """Returns the rows of a sheet without its header."""
  text = path.read_bytes().decode('utf-8-sig')
  return list(csv.reader(io.StringIO(text, newline='')))[1:]


def fill(path, score, name=None, delimiter=',', encoding='utf-8-sig'):
  """Writes a filled sheet.

  Args:
    path: the empty sheet.
    score: function of an id that returns the text of its score.
    name: of the filled sheet; default: the same.
    delimiter: between cells.
    encoding: of the file.
  """
  out = io.StringIO()
  writer = csv.writer(out, delimiter=delimiter)
  writer.writerow(COLUMNS)
  writer.writerows([i, s, score(i)] for i, s, _ in rows_of(path))
  target = path.with_name(name or path.name)
  target.write_bytes(out.getvalue().encode(encoding, errors='replace'))
  return target


def items_of(path):
  """Returns id -> sentence of a key."""
  return read_key(path).items


def cell(id, rater):
  """Returns a score from 1 to 5 that depends on sentence and rater."""
  return str(1 + (int(id.rpartition('-')[2]) * (rater + 2) + rater) % 5)
