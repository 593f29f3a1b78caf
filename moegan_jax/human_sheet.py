"""Human scores: sheets for raters, and what they come to.

  python -m moegan_jax.human_sheet make --texts MoEGAN=runs/a real=test.txt
  python -m moegan_jax.human_sheet score sheet-*.csv --key sheet-key.json

`make` draws sentences of each text and writes a CSV file for each rater, in
which nothing says what wrote a sentence, a guide with the scale, and the key,
which the raters must not see. `score` reads the filled sheets. The study is
that of the MoEGAN paper's Table 4: 100 sentences a system, 10 raters, 1 to 5,
and a point less for a sentence under ten words.

What the paper leaves open, and what is done here:

* Lines are drawn at random without replacement. A sentence that the generator
  repeats may be drawn as often as it stands there: the study is of what the
  generator writes, not of its distinct sentences. Blank lines cannot be
  rated; they are left out, and both programs say how many there were.
* Raters score what they read. The point for length is taken off by `score`,
  from the mean over raters, with no floor: a word salad under ten words ends
  at 0. So the mean falls by the share of short sentences. Words are counted
  by white space in the text as it was given: the full stop of 'a man rides .'
  is one, as in the sample files of the field.
* Case and blanks stay as they are in the text. Raters can tell 'camera .' from
  'camera.', and the second has a word less: give real text in the form that
  the generators write.
* A deviation is that of the sentences' means over raters (ddof = 1). What the
  paper's ± is over, it does not say.
* A sentence that begins with = + - @ gets an apostrophe before it, or a
  spreadsheet would compute it. The key has it without.
"""

import argparse
import csv
import hashlib
import io
import json
import math
import os
import pathlib
import re
import statistics
import sys
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.errors import UserError
from moegan_jax.files import jsonable, read_json, write_json, write_text

SCALE = (1, 2, 3, 4, 5)
SHORT = 10  # words; a sentence with fewer loses a point
COLUMNS = ('id', 'sentence', 'score')

_FORMULA = tuple('=+-@＝＋－＠')  # the wide ones are read like the others
_SCORE = re.compile(r'([1-5])([.,]0+)?')  # spreadsheets may write 4 as 4.0
_SAMPLES = re.compile(r'.+?(?:-seed(\d+))?-(\d+)')  # PHASE[-seedN]-STEP
# Without vowels no id is a word or, to a spreadsheet, a month.
_LETTERS = 'bcdfghjklmnpqrstvwxz'

GUIDE = """\
How to score the sentences
==========================

Open your sheet (a CSV file, UTF-8) in a spreadsheet and write a whole number
from 1 to 5 into the column "score" of every row:

  5  Correct, natural English that means something. Nothing to mend.
  4  One or two small slips; otherwise as good as a 5.
  3  Serious mistakes, but it is still clear what is meant.
  2  Badly broken; only some pieces of it are acceptable.
  1  A heap of words, or not acceptable for another reason.

Please

* ignore formatting: upper and lower case, punctuation, blanks, spelling, and
  an apostrophe before the first character;
* do not lower a score because a sentence is short;
* judge each sentence by itself, also when you have seen it before;
* do not talk to other raters about the sentences until all have finished;
* leave the column "id" and the number of rows as they are; and
* save the sheet as CSV again, under its own name.
"""


class Item(NamedTuple):
  """A sentence to be rated.

  line: its number in the text, from 1, blank lines not counted
  """

  system: str
  line: int
  sentence: str


class Key(NamedTuple):
  """What the raters must not see.

  tag: what all ids of this key, and of no other, begin with
  blank: system -> how many blank lines its text had; in the order given
  items: id -> what it stands for
  """

  tag: str
  blank: dict[str, int]
  items: dict[str, Item]


# --- make --------------------------------------------------------------------


def make(
  texts: dict[str, str | os.PathLike],
  output: str | os.PathLike,
  n: int = 100,
  seed: int = 0,
  raters: int = 3,
  overwrite: bool = False,
) -> list[pathlib.Path]:
  """Writes OUTPUT-1.csv .. OUTPUT-R.csv, OUTPUT-key.json, OUTPUT-guide.txt.

  The same arguments always give the same files. More raters leave the sheets
  of the first ones as they were; another system leaves the sentences of the
  others, but not their ids.

  Args:
    texts: name of a system -> a text file, a sentence a line, or the folder
      of a run; see `newest_samples`.
    output: what the names of the files begin with.
    n: sentences of each text.
    seed: of the draws and orders, 0..2**32-1.
    raters: how many sheets.
    overwrite: also where a file exists.

  Returns:
    The files: the sheets first, then the key and the guide.

  Raises:
    UserError: a text that cannot be read or has fewer than n lines, a bad
      number, a file that exists or cannot be written.
  """
  from moegan_jax.data.textfile import read_text

  for name, value in (('-n', n), ('--raters', raters)):
    if value < 1:
      raise UserError(f'{name} {value}: at least 1')
  if not 0 <= seed < 2**32:
    raise UserError(f'--seed {seed}: between 0 and {2**32 - 1}')
  start = pathlib.Path(output)

  def path(end: str) -> pathlib.Path:
    return start.parent / f'{start.name}-{end}'

  sheets = [path(f'{r + 1}.csv') for r in range(raters)]
  paths = [*sheets, path('key.json'), path('guide.txt')]
  for one in paths:
    if one.exists() and not overwrite:
      raise UserError(
        f'{one} exists; give another -o, or --overwrite if nobody needs it'
      )
  items: list[Item] = []
  blank: dict[str, int] = {}
  sources: dict[str, dict[str, Any]] = {}
  for system, source in texts.items():
    file = pathlib.Path(source)
    file = newest_samples(file) if file.is_dir() else file
    text = read_text(file)
    items += _drawn(system, text.lines, file, n, seed)
    blank[system] = text.blank
    sources[system] = {
      'file': str(file),
      'sha256': text.sha256,
      'lines': len(text.lines),
      'blank': text.blank,
    }
  key = _key(items, blank, seed)
  orders = [_order(len(items), seed, r + 1) for r in range(raters)]
  try:
    start.parent.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(
      f'cannot write to {start.parent}: {error.strerror}'
    ) from error
  ids = list(key.items)
  for sheet, order in zip(sheets, orders):
    rows = [(ids[i], key.items[ids[i]].sentence) for i in order]
    write_text(sheet, sheet_text(rows))
  of_key = {
    'tag': key.tag,
    'seed': seed,
    'raters': raters,
    'systems': sources,
    'items': {id: item._asdict() for id, item in key.items.items()},
  }
  write_json(path('key.json'), of_key)
  write_text(path('guide.txt'), GUIDE)
  return paths


def newest_samples(run: pathlib.Path) -> pathlib.Path:
  """The newest file of a run's samples/, which is of its last phase.

  Newest by the step in its name, since copies of a run lose their times. Of
  several trained seeds it is the first one's.

  Raises:
    UserError: there is none.
  """
  found = [
    ((int(match[2]), -int(match[1] or 0)), path)
    for path in sorted((run / 'samples').glob('*.txt'))
    if (match := _SAMPLES.fullmatch(path.stem))
  ]
  if not found:
    raise UserError(
      f'{run} has no samples/PHASE-STEP.txt; give a text file, or the folder '
      'of a run that has begun to sample'
    )
  return max(found)[1]


def sheet_text(rows: Sequence[tuple[str, str]]) -> str:
  """The CSV of a sheet with empty scores; rows are (id, sentence).

  With a byte order mark: spreadsheets take a file without one for Latin-1.
  """
  out = io.StringIO()
  out.write('\ufeff')
  writer = csv.writer(out)  # a line ends with CR LF, as in RFC 4180
  writer.writerow(COLUMNS)
  for id, sentence in rows:
    writer.writerow([id, _harmless(sentence), ''])
  return out.getvalue()


def _harmless(sentence: str) -> str:
  """With an apostrophe where a spreadsheet would see a formula."""
  return f"'{sentence}" if sentence.startswith(_FORMULA) else sentence


def _drawn(
  system: str, lines: Sequence[str], file: pathlib.Path, n: int, seed: int
) -> list[Item]:
  """n lines at random without replacement; another draw for each system."""
  import numpy as np

  if len(lines) < n:
    raise UserError(
      f'{file} has {len(lines)} sentences, and -n asks for {n}; give a longer '
      'text or a smaller -n'
    )
  rng = np.random.RandomState([seed, zlib.crc32(system.encode())])
  chosen = rng.permutation(len(lines))[:n].tolist()
  return [Item(system, i + 1, lines[i]) for i in chosen]


def _order(n: int, seed: int, use: int) -> list[int]:
  """A permutation of n; use: 0 for the ids, r for rater r."""
  import numpy as np

  return np.random.RandomState([seed, use]).permutation(n).tolist()


def _key(items: Sequence[Item], blank: dict[str, int], seed: int) -> Key:
  """Gives ids whose order tells nothing of the systems."""
  mixed = [items[i] for i in _order(len(items), seed, 0)]
  digest = hashlib.sha256(json.dumps([seed, mixed]).encode()).digest()
  tag = ''.join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:6])
  width = max(3, len(str(len(mixed))))
  ids = [f'{tag}-{i:0{width}}' for i in range(1, len(mixed) + 1)]
  return Key(tag, blank, dict(zip(ids, mixed)))


# --- score -------------------------------------------------------------------


def score(
  sheets: Sequence[str | os.PathLike], key: str | os.PathLike
) -> dict[str, Any]:
  """What filled sheets come to.

  Args:
    sheets: one of each rater.
    key: that `make` wrote beside them.

  Returns:
    raters: how many.
    kappa: Fleiss' kappa over all sentences with categories 1..5; None from
      one rater, or where all scores are the same.
    systems: name -> n (sentences), human and human_sd (mean over sentences of
      the mean over raters, and its deviation over sentences, ddof = 1, None
      from one sentence) after a point was taken off short sentences, raw and
      raw_sd (the same as rated), short (share of sentences under ten words),
      blank (blank lines that its text had).

  Raises:
    UserError: a file that cannot be read, a sheet of another key or given
      twice, an unknown, repeated or missing id, a missing score or one that
      is not 1..5; names file and row.
  """
  from moegan_jax.metrics.agreement import fleiss_kappa, tally

  known = read_key(key)
  paths = [pathlib.Path(sheet) for sheet in sheets]
  places = [path.resolve() for path in paths]
  for path, place in zip(paths, places):
    if places.count(place) > 1:
      raise UserError(f'{path} was given twice; one sheet of each rater')
  # Each sheet has its own order, the key has one for all.
  by_rater = [read_sheet(path, known, key) for path in paths]
  ratings = {id: [those[id] for those in by_rater] for id in known.items}
  kappa = None
  if len(paths) > 1:
    kappa = fleiss_kappa(tally(list(ratings.values()), SCALE))
    kappa = None if math.isnan(kappa) else kappa
  return {
    'raters': len(paths),
    'kappa': kappa,
    'systems': {name: _of_system(name, known, ratings) for name in known.blank},
  }


def _of_system(
  name: str, key: Key, ratings: dict[str, list[int]]
) -> dict[str, Any]:
  those = {id: item for id, item in key.items.items() if item.system == name}
  raw = [statistics.fmean(ratings[id]) for id in those]
  short = [len(item.sentence.split()) < SHORT for item in those.values()]
  human = [mean - loses for mean, loses in zip(raw, short)]

  def deviation(values):
    return statistics.stdev(values) if len(values) > 1 else None

  return {
    'n': len(those),
    'human': statistics.fmean(human),
    'human_sd': deviation(human),
    'raw': statistics.fmean(raw),
    'raw_sd': deviation(raw),
    'short': statistics.fmean(short),
    'blank': key.blank[name],
  }


def read_key(path: str | os.PathLike) -> Key:
  """The key of a study.

  Raises:
    UserError: it cannot be read, or is something else.
  """
  value = read_json(path)
  try:
    items = {id: Item(**item) for id, item in value['items'].items()}
    blank = {name: int(of['blank']) for name, of in value['systems'].items()}
    if not items or {item.system for item in items.values()} != set(blank):
      raise ValueError('items and systems do not belong together')
    if not all(isinstance(item.sentence, str) for item in items.values()):
      raise TypeError('a sentence is no text')
    return Key(str(value['tag']), blank, items)
  except (KeyError, TypeError, ValueError, AttributeError):
    raise UserError(
      f'{path} is no key of human_sheet; give the -key.json that make wrote'
    ) from None


def read_sheet(
  path: pathlib.Path, key: Key, key_path: str | os.PathLike
) -> dict[str, int]:
  """id -> score of a filled sheet.

  Rows may have been sorted, and columns added. Comma, semicolon and tab part
  cells, since spreadsheets write what their country uses. The sentences are
  not looked at: not all of them write UTF-8.

  Raises:
    UserError: see `score`.
  """
  rows = _rows(path)
  header = [cell.strip().lower() for cell in rows[0]] if rows else []
  for name in ('id', 'score'):
    if header.count(name) != 1:
      raise UserError(
        f'{path}, row 1: needs one column {name!r}; is it a sheet that make '
        'wrote, saved as CSV?'
      )
  scores: dict[str, int] = {}
  row_of: dict[str, int] = {}
  for number, cells in enumerate(rows[1:], 2):
    if not any(cell.strip() for cell in cells):
      continue
    where = f'{path}, row {number}'
    cells = cells + [''] * (len(header) - len(cells))
    id, said = (cells[header.index(c)].strip() for c in ('id', 'score'))
    if id not in key.items:
      if id and not id.startswith(f'{key.tag}-'):
        raise UserError(
          f'{where}: id {id!r} is of another key; those of {key_path} begin '
          f'with {key.tag}-'
        )
      raise UserError(f'{where}: id {id!r} is not in {key_path}; restore it')
    if id in scores:
      raise UserError(
        f'{where}: id {id} stands in row {row_of[id]} already; remove one'
      )
    if not said:
      raise UserError(f'{where}: the score is missing; write 1, 2, 3, 4 or 5')
    match = _SCORE.fullmatch(said)
    if not match:
      raise UserError(f'{where}: score {said!r} is not 1, 2, 3, 4 or 5')
    scores[id], row_of[id] = int(match[1]), number
  missing = [id for id in key.items if id not in scores]
  if missing:
    raise UserError(
      f'{path}, after row {len(rows)}: {len(missing)} of {len(key.items)} '
      f'sentences are missing, first {missing[0]}; all raters score all'
    )
  return scores


def _rows(path: pathlib.Path) -> list[list[str]]:
  """The cells of a CSV file, whatever a spreadsheet made of it."""
  try:
    data = path.read_bytes()
  except OSError as error:
    raise UserError(f'cannot read {path}: {error.strerror}') from error
  if b'\0' in data:  # a workbook, or UTF-16
    raise UserError(f'{path} is no CSV text; save the sheet as CSV (UTF-8)')
  text = data.decode('utf-8-sig', errors='replace')
  first = text[: text.find('\n')] if '\n' in text else text
  delimiter = max(',;\t', key=first.count)
  reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter)
  try:
    return list(reader)
  except csv.Error as error:
    raise UserError(f'{path}, row {reader.line_num}: {error}') from error


# --- print -------------------------------------------------------------------


def shown(result: dict[str, Any], form: str) -> str:
  """The result of `score` as 'table', 'markdown' or 'json'."""
  if form == 'json':
    return json.dumps(jsonable(result), indent=2, ensure_ascii=False)
  from moegan_jax.report import table
  from moegan_jax.report.published import Row, Spread

  def spread(of: dict[str, Any], name: str):
    deviation = of[f'{name}_sd']
    return of[name] if deviation is None else Spread(of[name], deviation)

  systems = result['systems']
  raw, short = 'as rated', f'share under {SHORT} words'
  rows = [
    Row(
      name,
      {
        'human': spread(of, 'human'),
        raw: spread(of, 'raw'),
        short: of['short'],
      },
    )
    for name, of in systems.items()
  ]
  printed = table.markdown if form == 'markdown' else table.plain
  columns = ['human', raw, short]
  lines = [
    f'raters: {result["raters"]}; sentences: '
    + ', '.join(f'{of["n"]} of {name}' for name, of in systems.items()),
    f'human: 1 to 5, less a point for a sentence under {SHORT} words (by white '
    'space; no floor).',
    f'{raw}: without that. ± is the deviation over sentences of the mean over '
    'raters (ddof 1).',
    _agreement(result['kappa'], result['raters']),
    *(
      f'{of["blank"]} blank lines in the text of {name} were left out.'
      for name, of in systems.items()
      if of['blank']
    ),
  ]
  start = '* ' if form == 'markdown' else ''
  below = '\n'.join(start + line for line in lines)
  return f'{printed(rows, columns).rstrip()}\n\n{below}'


def _agreement(kappa: float | None, raters: int) -> str:
  """Fleiss' kappa and what it means, in a line."""
  from moegan_jax.metrics.agreement import in_words

  if kappa is None:
    why = 'all scores are the same' if raters > 1 else 'there is one rater'
    return f"Fleiss' kappa: undefined, since {why}."
  return (
    f"Fleiss' kappa: {kappa:.3f}, {in_words(kappa)} in the words of Landis and "
    'Koch (1977); 1 is full agreement, 0 is chance, and 4 against 5 counts '
    'like 1 against 5.'
  )


# --- command line ------------------------------------------------------------


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.human_sheet',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  commands = parser.add_subparsers(dest='command', required=True)
  one = commands.add_parser('make', help='write sheets for raters')
  one.add_argument(
    '--texts',
    nargs='+',
    required=True,
    metavar='NAME=PATH',
    help='a text file, a sentence a line, or the folder of a run',
  )
  one.add_argument(
    '-n',
    type=int,
    default=100,
    help='sentences of each text (default: %(default)s)',
  )
  one.add_argument(
    '--seed', type=int, default=0, help='of draws and orders (%(default)s)'
  )
  one.add_argument(
    '--raters', type=int, default=3, help='how many sheets (%(default)s)'
  )
  one.add_argument(
    '-o',
    '--output',
    default='sheet',
    help='what the files begin with (%(default)s)',
  )
  one.add_argument(
    '--overwrite', action='store_true', help='also where files exist'
  )
  two = commands.add_parser('score', help='read filled sheets')
  two.add_argument('sheets', nargs='+', help='one of each rater')
  two.add_argument('--key', required=True, help='the -key.json that make wrote')
  two.add_argument(
    '--format', choices=['table', 'json', 'markdown'], default='table'
  )
  return parser


def _named(texts: Sequence[str]) -> dict[str, str]:
  """NAME=PATH as name -> path."""
  found: dict[str, str] = {}
  for text in texts:
    name, _, path = text.partition('=')
    name = name.strip()
    if not name or not path:
      raise UserError(
        f'--texts {text}: give NAME=PATH, such as MLE=samples.txt'
      )
    if name in found:
      raise UserError(f'--texts {text}: the name {name!r} is taken')
    found[name] = path
  return found


def main(argv: Sequence[str]) -> int:
  """Runs a command line, without the program's name; 0 done, 2 bad input."""

  def work() -> None:
    args = _parser().parse_args(argv)
    if args.command == 'score':
      print(shown(score(args.sheets, args.key), args.format))
      return
    texts = _named(args.texts)
    *sheets, key, guide = make(
      texts, args.output, args.n, args.seed, args.raters, args.overwrite
    )
    print(f'for the raters  {", ".join(map(str, sheets))}')
    print(f'                {guide}')
    print(f'not for them    {key}')
    for name, blank in read_key(key).blank.items():
      if blank:
        print(f'{blank} blank lines in the text of {name} were left out.')

  return exit_code(work)


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
