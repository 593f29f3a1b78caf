"""Sheets for raters: drawing sentences, and writing and reading CSV files."""

import csv
import io
import os
import pathlib
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from moegan_jax.errors import UserError
from moegan_jax.files import write_json, write_text
from moegan_jax.human.key import RatedSentence, StudyKey, assign_ids, order

SCALE = (1, 2, 3, 4, 5)
COLUMNS = ('id', 'sentence', 'score')

# Spreadsheets also accept the full-width forms.
_FORMULA_STARTS = tuple('=+-@＝＋－＠')
_SCORE = re.compile(r'([1-5])([.,]0+)?')  # spreadsheets may write 4 as 4.0

GUIDE = """\
How to score the sentences
==========================

Open your sheet (a CSV file, UTF-8) in a spreadsheet and write a whole number
from 1 to 5 into the column "score" of every row:

  5  Correct, natural English that makes sense. Nothing to correct.
  4  One or two small mistakes; otherwise as good as a 5.
  3  Serious mistakes, but the meaning is still clear.
  2  Badly broken; only parts of it are acceptable.
  1  A random sequence of words, or unacceptable for another reason.

Please

* ignore formatting: upper and lower case, punctuation, blanks, spelling, and
  an apostrophe before the first character;
* do not lower a score because a sentence is short;
* judge each sentence by itself, even if you have seen it before;
* do not discuss the sentences with other raters until all have finished;
* do not change the column "id" or the number of rows; and
* save the sheet as CSV again, under the same name.
"""


def make(
  texts: Mapping[str, str | os.PathLike],
  output: str | os.PathLike,
  n: int = 100,
  seed: int = 0,
  raters: int = 3,
  overwrite: bool = False,
) -> list[pathlib.Path]:
  """Writes the sheets of a study, its key and a guide for the raters.

  The files are OUTPUT-1.csv .. OUTPUT-R.csv, OUTPUT-key.json and
  OUTPUT-guide.txt. The same arguments always give the same files. Adding
  raters does not change the existing sheets. Adding a system does not change
  the sentences of the others, but it changes their ids.

  Args:
    texts: name of a system -> a text file with one sentence per line, or the
      folder of a run; see `newest_samples`.
    output: prefix of the file names.
    n: number of sentences from each text.
    seed: of draws and orders, 0..2**32-1.
    raters: number of sheets.
    overwrite: whether existing files are replaced.

  Returns:
    The files: the sheets, the key, the guide.

  Raises:
    UserError: a text cannot be read or has fewer than n lines, a number is out
      of range, or a file exists or cannot be written.
  """
  from moegan_jax.data.textfile import read_text

  for name, value in (('-n', n), ('--raters', raters)):
    if value < 1:
      raise UserError(f'{name}={value} is too small; pass at least 1')
  if not 0 <= seed < 2**32:
    raise UserError(
      f'--seed={seed} is out of range; pass a number from 0 to {2**32 - 1}'
    )
  start = pathlib.Path(output)

  def path(end: str) -> pathlib.Path:
    return start.parent / f'{start.name}-{end}'

  sheets = [path(f'{r + 1}.csv') for r in range(raters)]
  paths = [*sheets, path('key.json'), path('guide.txt')]
  for one in paths:
    if one.exists() and not overwrite:
      raise UserError(
        f'{one} exists; pass another -o, or --overwrite to replace it'
      )
  items: list[RatedSentence] = []
  blank: dict[str, int] = {}
  sources: dict[str, dict[str, Any]] = {}
  for system, source in texts.items():
    file = pathlib.Path(source)
    file = newest_samples(file) if file.is_dir() else file
    text = read_text(file)
    items += _draw(system, text.lines, file, n, seed)
    blank[system] = text.blank
    sources[system] = {
      'file': str(file),
      'sha256': text.sha256,
      'lines': len(text.lines),
      'blank': text.blank,
    }
  key = assign_ids(items, blank, seed)
  try:
    start.parent.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(
      f'{start.parent} cannot be written: {error.strerror}; pass another -o'
    ) from error
  ids = list(key.items)
  for rater, sheet in enumerate(sheets, 1):
    rows = [
      (ids[i], key.items[ids[i]].sentence)
      for i in order(len(items), seed, rater)
    ]
    write_text(sheet, sheet_text(rows))
  write_json(
    path('key.json'),
    {
      'tag': key.tag,
      'seed': seed,
      'raters': raters,
      'systems': sources,
      'items': {id: item._asdict() for id, item in key.items.items()},
    },
  )
  write_text(path('guide.txt'), GUIDE)
  return paths


def newest_samples(run: pathlib.Path) -> pathlib.Path:
  """Returns the newest sample file of a run, which is of its last phase.

  Raises:
    UserError: the run has no samples.
  """
  from moegan_jax.store import reading, schema

  found = reading.newest_samples(run)
  if found is None:
    raise UserError(
      f'{run} has no {schema.SAMPLES}/PHASE-STEP.txt; pass a text file, or '
      'the folder of a run that has written samples'
    )
  return found


def sheet_text(rows: Sequence[tuple[str, str]]) -> str:
  """Formats a sheet with empty scores as CSV.

  The text starts with a byte order mark, since spreadsheets read a file
  without one as Latin-1.

  Args:
    rows: id and sentence of each row.
  """
  out = io.StringIO()
  out.write('\ufeff')
  writer = csv.writer(out)  # lines end with CR LF, as in RFC 4180
  writer.writerow(COLUMNS)
  for id, sentence in rows:
    writer.writerow([id, _escaped(sentence), ''])
  return out.getvalue()


def read_sheet(
  path: pathlib.Path, key: StudyKey, key_path: str | os.PathLike
) -> dict[str, int]:
  """Reads the scores of a filled sheet.

  Rows may be sorted and columns added. The delimiter may be a comma, a
  semicolon or a tab, since spreadsheets use the one of their locale. Sentences
  are not compared with the key, since some spreadsheets do not write UTF-8.

  Args:
    path: the sheet.
    key: of the study.
    key_path: its file, for error messages.

  Returns:
    Id -> score.

  Raises:
    UserError: see `scoring.score`.
  """
  rows = _read_csv(path)
  header = [cell.strip().lower() for cell in rows[0]] if rows else []
  for name in ('id', 'score'):
    if header.count(name) != 1:
      raise UserError(
        f'{path}, row 1: needs exactly one column {name!r}; pass a sheet that '
        'make wrote, saved as CSV'
      )
  scores: dict[str, int] = {}
  row_of: dict[str, int] = {}
  for number, cells in enumerate(rows[1:], 2):
    if not any(cell.strip() for cell in cells):
      continue
    cells = cells + [''] * (len(header) - len(cells))
    id, score = (cells[header.index(c)].strip() for c in ('id', 'score'))
    where = f'{path}, row {number}'
    if id in scores:
      raise UserError(
        f'{where}: id {id} already occurs in row {row_of[id]}; delete one row'
      )
    _check_id(id, key, where, key_path)
    scores[id], row_of[id] = _parse_score(score, where), number
  missing = [id for id in key.items if id not in scores]
  if missing:
    raise UserError(
      f'{path}, after row {len(rows)}: {len(missing)} of {len(key.items)} '
      f'sentences are missing, first {missing[0]}; restore their rows'
    )
  return scores


def _check_id(
  id: str, key: StudyKey, where: str, key_path: str | os.PathLike
) -> None:
  if id in key.items:
    return
  if id and not id.startswith(f'{key.tag}-'):
    raise UserError(
      f'{where}: id {id!r} belongs to another key; ids of {key_path} start '
      f'with {key.tag}-'
    )
  raise UserError(f'{where}: id {id!r} is not in {key_path}; restore the id')


def _parse_score(text: str, where: str) -> int:
  if not text:
    raise UserError(f'{where}: the score is missing; write 1, 2, 3, 4 or 5')
  match = _SCORE.fullmatch(text)
  if not match:
    raise UserError(
      f'{where}: score {text!r} is invalid; write 1, 2, 3, 4 or 5'
    )
  return int(match[1])


def _escaped(sentence: str) -> str:
  """Puts an apostrophe before what a spreadsheet would read as a formula."""
  return f"'{sentence}" if sentence.startswith(_FORMULA_STARTS) else sentence


def _draw(
  system: str, lines: Sequence[str], file: pathlib.Path, n: int, seed: int
) -> list[RatedSentence]:
  """Draws n lines without replacement, independently for each system."""
  import numpy as np

  if len(lines) < n:
    raise UserError(
      f'{file} has {len(lines)} sentences, fewer than -n={n}; pass a longer '
      'text or a smaller -n'
    )
  rng = np.random.RandomState([seed, zlib.crc32(system.encode())])
  chosen = rng.permutation(len(lines))[:n].tolist()
  return [RatedSentence(system, i + 1, lines[i]) for i in chosen]


def _read_csv(path: pathlib.Path) -> list[list[str]]:
  """Reads the cells of a CSV file in any delimiter and encoding."""
  try:
    data = path.read_bytes()
  except OSError as error:
    raise UserError(
      f'{path} cannot be read: {error.strerror}; check the path'
    ) from error
  if b'\0' in data:  # a workbook, or UTF-16
    raise UserError(f'{path} is not CSV text; save the sheet as CSV (UTF-8)')
  text = data.decode('utf-8-sig', errors='replace')
  first = text[: text.find('\n')] if '\n' in text else text
  delimiter = max(',;\t', key=first.count)
  reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter)
  try:
    return list(reader)
  except csv.Error as error:
    raise UserError(
      f'{path}, row {reader.line_num}: {error}; save the sheet as CSV again'
    ) from error
