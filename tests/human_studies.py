"""Helpers for the tests of the human evaluation."""

import csv
import io

from moegan_jax.human.key import read_key
from moegan_jax.human.sheet import COLUMNS, make

LONG = 'one two three four five six seven eight nine {}'  # ten words


def write_texts(folder):
  """Writes two texts of 40 lines; returns name -> file.

  A has short lines and repeats, B has long lines.
  """
  folder.mkdir()
  lines = {
    'A': [f'A man no {i // 2} .' for i in range(40)],
    'B': [LONG.format(f'tén{i}') for i in range(40)],
  }
  for name in lines:
    text = ''.join(f'{line}\n' for line in lines[name])
    (folder / f'{name}.txt').write_text(text, encoding='utf-8')
  return {name: folder / f'{name}.txt' for name in lines}


def make_study(texts, folder):
  """Returns the files of a study: three sheets, key and guide.

  Args:
    texts: name -> file; 8 sentences of each are drawn.
    folder: where the files are written.
  """
  return make(texts, folder / 'sheet', n=8)


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
