"""Sheets for raters: blinded, reproducible, and read back without mercy."""

import collections
import csv
import io
import json
import pathlib
import statistics
import subprocess
import sys

import pytest

from moegan_jax import human_sheet
from moegan_jax.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]
LONG = 'one two three four five six seven eight nine {}'  # ten words


def rows_of(path):
  """The rows of a sheet below its header, as a spreadsheet reads them."""
  text = path.read_bytes().decode('utf-8-sig')
  return list(csv.reader(io.StringIO(text, newline='')))[1:]


def fill(path, score, name=None, delimiter=',', encoding='utf-8-sig'):
  """Writes the sheet of a rater; score: id -> text of the cell."""
  out = io.StringIO()
  writer = csv.writer(out, delimiter=delimiter)
  writer.writerow(human_sheet.COLUMNS)
  writer.writerows([i, s, score(i)] for i, s, _ in rows_of(path))
  target = path.with_name(name or path.name)
  target.write_bytes(out.getvalue().encode(encoding, errors='replace'))
  return target


@pytest.fixture
def texts(tmp_path):
  """40 lines each; A has short lines and repeats, B long ones."""
  folder = tmp_path / 'texts'
  folder.mkdir()
  a = [f'A man no {i // 2} .' for i in range(40)]
  b = [LONG.format(f'tén{i}') for i in range(40)]
  for name, lines in (('A', a), ('B', b)):
    text = ''.join(f'{line}\n' for line in lines)
    (folder / f'{name}.txt').write_text(text, encoding='utf-8')
  return {'A': folder / 'A.txt', 'B': folder / 'B.txt'}


@pytest.fixture
def study(texts, tmp_path):
  """Files of make: three sheets, the key, the guide; 8 sentences a text."""
  return human_sheet.make(texts, tmp_path / 'sheet', n=8)


def items_of(path):
  return human_sheet.read_key(path).items


# --- make ----------------------------------------------------------------


def test_what_make_writes(study, texts):
  *sheets, key, guide = study
  assert [path.name for path in study] == [
    'sheet-1.csv',
    'sheet-2.csv',
    'sheet-3.csv',
    'sheet-key.json',
    'sheet-guide.txt',
  ]
  items = items_of(key)
  assert collections.Counter(i.system for i in items.values()) == {
    'A': 8,
    'B': 8,
  }
  for item in items.values():
    lines = texts[item.system].read_text(encoding='utf-8').splitlines()
    assert item.sentence == lines[item.line - 1]
  places = {(item.system, item.line) for item in items.values()}
  assert len(places) == 16  # without replacement
  orders = set()
  for sheet in sheets:
    data = sheet.read_bytes()
    assert data.startswith(b'\xef\xbb\xbfid,sentence,score\r\n')
    rows = rows_of(sheet)
    assert {i: s for i, s, _ in rows} == {
      i: item.sentence for i, item in items.items()
    }
    assert {score for *_, score in rows} == {''}
    orders.add(tuple(i for i, *_ in rows))
  assert len(orders) == 3
  said = guide.read_text()
  assert all(f'\n  {score}  ' in said for score in human_sheet.SCALE)


def test_sheets_are_blinded(study):
  *sheets, key, guide = study
  items = items_of(key)
  # Neither ids nor their order follow the systems.
  systems = [items[i].system for i in sorted(items)]
  assert systems not in ([*'A' * 8, *'B' * 8], [*'B' * 8, *'A' * 8])
  for path in (*sheets, guide):
    assert not {'A', 'B', 'A.txt', 'B.txt'} & set(
      path.read_text(encoding='utf-8-sig')
      .replace('A man', '')
      .replace('A heap', '')
      .replace(',', ' ')
      .split()
    )


def test_the_same_seed_gives_the_same_files(study, texts, tmp_path):
  again = human_sheet.make(texts, tmp_path / 'new' / 'x', n=8)
  assert [p.read_bytes() for p in again] == [p.read_bytes() for p in study]
  other = human_sheet.make(texts, tmp_path / 'y', n=8, seed=1)
  assert not items_of(other[-2]).keys() & items_of(study[-2]).keys()
  drawn = [
    {(i.system, i.line) for i in items_of(files[-2]).values()}
    for files in (study, other)
  ]
  assert drawn[0] != drawn[1]


def test_more_raters_and_more_systems_keep_what_was(study, texts, tmp_path):
  more = human_sheet.make(texts, tmp_path / 'x', n=8, raters=5)
  assert [p.read_bytes() for p in more[:3]] == [
    p.read_bytes() for p in study[:3]
  ]
  texts['C'] = texts['A']
  third = human_sheet.make(texts, tmp_path / 'y', n=8)
  drawn = collections.defaultdict(set)
  for files in (study, third):
    for item in items_of(files[-2]).values():
      drawn[item.system].add(item.line)
  assert {name: len(lines) for name, lines in drawn.items()} == dict.fromkeys(
    'ABC', 8
  )
  assert drawn['C'] != drawn['A']


def test_repeats_are_drawn_as_they_stand(texts, tmp_path):
  *_, key, _ = human_sheet.make(texts, tmp_path / 'x', n=40)
  of_a = [i.sentence for i in items_of(key).values() if i.system == 'A']
  assert sorted(of_a) == sorted(texts['A'].read_text().splitlines())


@pytest.mark.parametrize('first', [*'=+-@', '＝'])
def test_formulas_are_disarmed(tmp_path, first):
  text = tmp_path / 'evil.txt'
  line = f'{first}HYPERLINK("http://x", "a") , \'quoted\''
  text.write_text(f'{line}\n', encoding='utf-8')
  sheet, key, _ = human_sheet.make({'E': text}, tmp_path / 'x', n=1, raters=1)
  ((_, shown, _),) = rows_of(sheet)
  assert shown == f"'{line}"
  assert [i.sentence for i in items_of(key).values()] == [line]


def test_the_folder_of_a_run(tmp_path):
  samples = tmp_path / 'run' / 'samples'
  samples.mkdir(parents=True)
  with pytest.raises(UserError, match='has no samples/'):
    human_sheet.newest_samples(tmp_path / 'run')
  names = (
    'adversarial-seed1-1304',
    'adversarial-seed0-1304',
    'adversarial-seed0-900',
    'pretrain-999',
    'notes',
  )
  for name in names:  # the newest by name is not the newest by time
    (samples / f'{name}.txt').write_text(f'{name}\n')
  found = human_sheet.newest_samples(tmp_path / 'run')
  assert found.stem == 'adversarial-seed0-1304'
  *_, key, _ = human_sheet.make({'R': tmp_path / 'run'}, tmp_path / 'x', n=1)
  assert json.loads(key.read_text())['systems']['R']['file'] == str(found)


def test_blank_lines_are_left_out_and_said(tmp_path, capsys):
  text = tmp_path / 'x.txt'
  text.write_text('\na b\n\nc d\n')
  start = ['make', '--texts', f'X={text}', '-o', str(tmp_path / 's')]
  assert human_sheet.main([*start, '-n', '2', '--raters', '1']) == 0
  assert '2 blank lines in the text of X' in capsys.readouterr().out
  sheet = fill(tmp_path / 's-1.csv', lambda _: '3')
  key = str(tmp_path / 's-key.json')
  assert human_sheet.main(['score', str(sheet), '--key', key]) == 0
  said = capsys.readouterr().out
  assert '2 blank lines in the text of X' in said
  assert 'undefined, since there is one rater' in said


def test_files_are_not_overwritten(study, texts, tmp_path):
  before = [p.read_bytes() for p in study]
  for path in study:  # also if only one of them is in the way
    for other in study:
      other.unlink(missing_ok=True)
    path.write_text('filled')
    with pytest.raises(UserError, match=rf'{path.name} exists; .*--overwrite'):
      human_sheet.make(texts, tmp_path / 'sheet', n=8)
    assert [p.name for p in study if p.exists()] == [path.name]
    assert path.read_text() == 'filled'
  human_sheet.make(texts, tmp_path / 'sheet', n=8, overwrite=True)
  assert [p.read_bytes() for p in study] == before


@pytest.mark.parametrize(
  ('change', 'said'),
  [
    ({'n': 41}, r'A\.txt has 40 sentences, and -n asks for 41'),
    ({'n': 0}, '-n 0: at least 1'),
    ({'raters': 0}, '--raters 0: at least 1'),
    ({'seed': -1}, '--seed -1: between'),
  ],
)
def test_bad_numbers(texts, tmp_path, change, said):
  with pytest.raises(UserError, match=said):
    human_sheet.make(texts, tmp_path / 'sheet', **change)
  assert not list(tmp_path.glob('sheet*'))


# --- score ---------------------------------------------------------------


def cell(id, rater):
  """Scores that differ by sentence and rater, all of 1..5."""
  return str(1 + (int(id.rpartition('-')[2]) * (rater + 2) + rater) % 5)


def test_what_score_finds(study, tmp_path):
  *sheets, key, _ = study
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  result = human_sheet.score(sheets, key)
  assert result['raters'] == 3
  items = items_of(key)
  for name, found in result['systems'].items():
    ids = [i for i, item in items.items() if item.system == name]
    means = [statistics.mean(int(cell(i, r)) for r in range(3)) for i in ids]
    loss = 1 if name == 'A' else 0  # all of A are short, none of B
    assert found['n'] == 8 and found['blank'] == 0
    assert found['short'] == loss
    assert found['raw'] == pytest.approx(statistics.mean(means))
    assert found['human'] == pytest.approx(statistics.mean(means) - loss)
    assert found['raw_sd'] == pytest.approx(statistics.stdev(means))
    assert found['human_sd'] == pytest.approx(statistics.stdev(means))
  # Pairs of raters, over all sentences of both systems.
  ratings = [[cell(i, r) for r in range(3)] for i in items]
  agree = [
    a == b for x in ratings for a, b in ((x[0], x[1]), (x[0], x[2]), x[1:])
  ]
  pool = [rating for item in ratings for rating in item]
  chance = sum((n / len(pool)) ** 2 for n in map(pool.count, '12345'))
  expected = (statistics.mean(agree) - chance) / (1 - chance)
  assert result['kappa'] == pytest.approx(expected)


def test_nine_words_are_short_and_there_is_no_floor(tmp_path):
  text = tmp_path / 'x.txt'
  text.write_text(f'{LONG.format("")}\n{LONG.format("ten")}\n')
  files = human_sheet.make({'X': text}, tmp_path / 's', n=2, raters=1)
  fill(files[0], lambda _: '1')
  found = human_sheet.score(files[:1], files[1])['systems']['X']
  assert (found['short'], found['raw'], found['human']) == (0.5, 1, 0.5)
  assert found['raw_sd'] == 0
  assert found['human_sd'] == pytest.approx(0.5**0.5)  # of 0 and 1


def test_what_spreadsheets_do_to_sheets(study, tmp_path):
  """Other separators and encodings, 4.0 for 4, sorted and empty rows."""
  *sheets, key, _ = study
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  expected = human_sheet.score(sheets, key)
  fill(sheets[0], lambda i: cell(i, 0) + ',0', delimiter=';', encoding='latin1')
  fill(sheets[1], lambda i: cell(i, 1) + '.0', delimiter='\t')
  header, *rest = sheets[2].read_text(encoding='utf-8-sig').splitlines()
  lines = [header.upper(), '', *sorted(rest), ',,', '']
  sheets[2].write_text('\r'.join(lines), encoding='utf-8')
  assert human_sheet.score(sheets[::-1], key) == expected


def test_all_scores_alike_have_no_kappa(study, capsys):
  *sheets, key, _ = study
  for sheet in sheets:
    fill(sheet, lambda _: '4')
  assert human_sheet.score(sheets, key)['kappa'] is None
  command = ['score', *map(str, sheets), '--key', str(key)]
  assert human_sheet.main(command) == 0
  assert 'undefined, since all scores are the same' in capsys.readouterr().out


@pytest.mark.parametrize(
  ('wrong', 'said'),
  [
    ('', 'the score is missing'),
    ('  ', 'the score is missing'),
    ('0', "score '0' is not 1, 2, 3, 4 or 5"),
    ('6', "score '6'"),
    ('3.5', "score '3.5'"),
    ('4x', "score '4x'"),
    ('-1', "score '-1'"),
  ],
)
def test_bad_scores(study, wrong, said):
  *sheets, key, _ = study
  for sheet in sheets:
    fill(sheet, lambda _: '2')
  third = rows_of(sheets[1])[2][0]
  fill(sheets[1], lambda i: wrong if i == third else '2')
  with pytest.raises(UserError, match=rf'sheet-2.csv, row 4: {said}'):
    human_sheet.score(sheets, key)


def test_bad_sheets(study, texts, tmp_path):
  *sheets, key, _ = study
  for sheet in sheets:
    fill(sheet, lambda _: '2')
  good = sheets[1].read_text(encoding='utf-8-sig').splitlines()
  id = good[4].partition(',')[0]

  def fails(lines, said):
    sheets[1].write_text('\n'.join(lines), encoding='utf-8')
    with pytest.raises(UserError, match=said) as caught:
      human_sheet.score(sheets, key)
    assert '\n' not in str(caught.value)
    assert 'sheet-2.csv' in str(caught.value)

  fails(good[:-1], r'after row 16: 1 of 16 sentences are missing, first')
  fails([*good[:5], good[4], *good[5:]], f'row 6: id {id} stands in row 5')
  other = [*good[:4], good[4].replace(id, 'bcdfgh-001'), *good[5:]]
  fails(other, r"row 5: id 'bcdfgh-001' is of another key")
  unknown = [*good[:4], good[4].replace(id, f'{id}9'), *good[5:]]
  fails(unknown, rf"row 5: id '{id}9' is not in .*sheet-key.json")
  fails([*good[:4], 'no,x,4'], "row 5: id 'no' is of another key")
  fails([*good[:4], ',x,4'], "row 5: id '' is not in")
  fails(good[1:], "row 1: needs one column 'id'")
  fails(['id,sentence', *good[1:]], "row 1: needs one column 'score'")
  fails(['id,score,score', *good[1:]], "row 1: needs one column 'score'")
  fails([''], "row 1: needs one column 'id'")
  fails(['id,sentence,score', 'x' * 200_000], 'field larger')
  fails(['\0'], 'is no CSV text')
  sheets[1].unlink()
  with pytest.raises(UserError, match=r'cannot read .*sheet-2\.csv'):
    human_sheet.score(sheets, key)
  with pytest.raises(UserError, match=r'sheet-1.csv was given twice'):
    human_sheet.score([sheets[0], sheets[0]], key)
  # A sheet of the same texts with another seed is of another key.
  files = human_sheet.make(texts, tmp_path / 'z', n=8, seed=1)
  fill(files[0], lambda _: '2')
  with pytest.raises(UserError, match=r'z-1.csv, row 2: .* of another key'):
    human_sheet.score([sheets[0], files[0]], key)


def test_bad_keys(study):
  *sheets, key, _ = study
  good = json.loads(key.read_text())
  bad = [
    [],
    {},
    good | {'items': {}},
    good | {'items': {'a': {'system': 'A'}}},
    good | {'items': [1]},
    good | {'systems': {'A': {'blank': 0}}},
    good
    | {'items': {i: v | {'sentence': 3} for i, v in good['items'].items()}},
  ]
  for value in bad:
    key.write_text(json.dumps(value))
    with pytest.raises(UserError, match=r'sheet-key.json is no key'):
      human_sheet.score(sheets, key)


# --- command line --------------------------------------------------------


def test_print(study, capsys):
  *sheets, key, _ = study
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  result = human_sheet.score(sheets, key)
  command = ['score', *map(str, sheets), '--key', str(key)]
  printed = {}
  for form in ('table', 'markdown', 'json'):
    assert human_sheet.main([*command, '--format', form]) == 0
    printed[form] = capsys.readouterr().out
  assert json.loads(printed['json']) == result
  a = result['systems']['A']
  human = f'{a["human"]:.3f} ± {a["human_sd"]:.3f}'
  raw = f'{a["raw"]:.3f} ± {a["raw_sd"]:.3f}'
  assert f'| A | {human} | {raw} | 1.000 |' in printed['markdown']
  assert f'A  {human}  {raw}' in printed['table']
  for form in ('table', 'markdown'):
    assert 'raters: 3; sentences: 8 of A, 8 of B' in printed[form]
    assert f"Fleiss' kappa: {result['kappa']:.3f}, " in printed[form]
    assert '(ddof 1)' in printed[form]


@pytest.mark.parametrize(
  ('argv', 'said'),
  [
    ([], 'command'),
    (['make'], '--texts'),
    (['make', '--texts', 'x.txt'], 'give NAME=PATH'),
    (['make', '--texts', '=x.txt'], 'give NAME=PATH'),
    (['make', '--texts', 'A=a', 'A=b'], "'A' is taken"),
    (['make', '--texts', 'A=missing.txt'], 'missing.txt does not exist'),
    (['make', '--texts', 'A=a', '-n', 'x'], 'invalid int'),
    (['score', 'a.csv'], '--key'),
    (['score', 'a.csv', '--key', 'missing.json'], 'missing.json'),
    (['score', 'a.csv', '--key', 'x', '--format', 'pdf'], 'pdf'),
  ],
)
def test_bad_command_lines(argv, said, capsys, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert human_sheet.main(argv) == 2
  out, error = capsys.readouterr()
  assert not out
  assert error.startswith('error: ') and said in error
  assert error.count('\n') == 1
  assert not list(tmp_path.iterdir())


def test_help_waits_for_nothing_and_kappa_not_for_jax():
  code = (
    'import sys; from moegan_jax import human_sheet\n'
    'try: human_sheet.main(["--help"])\n'
    'except SystemExit as end: assert not end.code\n'
    'assert not {"numpy", "jax"} & set(sys.modules)\n'
    'import moegan_jax.metrics.agreement, moegan_jax.data.textfile\n'
    'assert "jax" not in sys.modules'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  assert 'make' in done.stdout and 'score' in done.stdout
