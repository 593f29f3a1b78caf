"""Sheets for raters: blinded, reproducible, never overwritten."""

import collections
import json

import pytest
from human_studies import fill, items_of, rows_of

from moegan_jax.cli.human_eval import main
from moegan_jax.errors import UserError
from moegan_jax.human.sheet import SCALE, make, newest_samples


def test_make_writes_all_files(study, texts):
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
  assert all(f'\n  {score}  ' in said for score in SCALE)


def test_sheets_are_blinded(study):
  *sheets, key, guide = study
  items = items_of(key)
  # The order of ids does not follow the systems.
  systems = [items[i].system for i in sorted(items)]
  assert systems not in ([*'A' * 8, *'B' * 8], [*'B' * 8, *'A' * 8])
  for path in (*sheets, guide):
    assert not {'A', 'B', 'A.txt', 'B.txt'} & set(
      path.read_text(encoding='utf-8-sig')
      .replace('A man', '')
      .replace('A random', '')
      .replace(',', ' ')
      .split()
    )


def test_the_same_seed_gives_the_same_files(study, texts, tmp_path):
  again = make(texts, tmp_path / 'new' / 'x', n=8)
  assert [p.read_bytes() for p in again] == [p.read_bytes() for p in study]
  other = make(texts, tmp_path / 'y', n=8, seed=1)
  assert not items_of(other[-2]).keys() & items_of(study[-2]).keys()
  drawn = [
    {(i.system, i.line) for i in items_of(files[-2]).values()}
    for files in (study, other)
  ]
  assert drawn[0] != drawn[1]


def test_more_raters_and_systems_keep_existing_files(study, texts, tmp_path):
  more = make(texts, tmp_path / 'x', n=8, raters=5)
  assert [p.read_bytes() for p in more[:3]] == [
    p.read_bytes() for p in study[:3]
  ]
  texts['C'] = texts['A']
  third = make(texts, tmp_path / 'y', n=8)
  drawn = collections.defaultdict(set)
  for files in (study, third):
    for item in items_of(files[-2]).values():
      drawn[item.system].add(item.line)
  assert {name: len(lines) for name, lines in drawn.items()} == dict.fromkeys(
    'ABC', 8
  )
  assert drawn['C'] != drawn['A']


def test_repeated_sentences_can_be_drawn_repeatedly(texts, tmp_path):
  *_, key, _ = make(texts, tmp_path / 'x', n=40)
  of_a = [i.sentence for i in items_of(key).values() if i.system == 'A']
  assert sorted(of_a) == sorted(texts['A'].read_text().splitlines())


@pytest.mark.parametrize('first', [*'=+-@', '＝'])
def test_formulas_are_escaped(tmp_path, first):
  text = tmp_path / 'evil.txt'
  line = f'{first}HYPERLINK("http://x", "a") , \'quoted\''
  text.write_text(f'{line}\n', encoding='utf-8')
  sheet, key, _ = make({'E': text}, tmp_path / 'x', n=1, raters=1)
  ((_, shown, _),) = rows_of(sheet)
  assert shown == f"'{line}"
  assert [i.sentence for i in items_of(key).values()] == [line]


def test_newest_samples_of_a_run(tmp_path):
  samples = tmp_path / 'run' / 'samples'
  samples.mkdir(parents=True)
  with pytest.raises(UserError, match='has no samples/'):
    newest_samples(tmp_path / 'run')
  names = (
    'adversarial-seed1-1304',
    'adversarial-seed0-1304',
    'adversarial-seed0-900',
    'pretrain-999',
    'notes',
  )
  for name in names:  # file times are in another order
    (samples / f'{name}.txt').write_text(f'{name}\n')
  found = newest_samples(tmp_path / 'run')
  assert found.stem == 'adversarial-seed0-1304'
  *_, key, _ = make({'R': tmp_path / 'run'}, tmp_path / 'x', n=1)
  assert json.loads(key.read_text())['systems']['R']['file'] == str(found)


def test_blank_lines_are_left_out_and_counted(tmp_path, capsys):
  text = tmp_path / 'x.txt'
  text.write_text('\na b\n\nc d\n')
  start = ['make', '--texts', f'X={text}', '-o', str(tmp_path / 's')]
  assert main([*start, '-n', '2', '--raters', '1']) == 0
  assert '2 blank lines in the text of X' in capsys.readouterr().out
  sheet = fill(tmp_path / 's-1.csv', lambda _: '3')
  key = str(tmp_path / 's-key.json')
  assert main(['score', str(sheet), '--key', key]) == 0
  said = capsys.readouterr().out
  assert '2 blank lines in the text of X' in said
  assert 'undefined, since there is one rater' in said


def test_files_are_not_overwritten(study, texts, tmp_path):
  before = [p.read_bytes() for p in study]
  for path in study:  # also if only one of the files exists
    for other in study:
      other.unlink(missing_ok=True)
    path.write_text('filled')
    with pytest.raises(UserError, match=rf'{path.name} exists; .*--overwrite'):
      make(texts, tmp_path / 'sheet', n=8)
    assert [p.name for p in study if p.exists()] == [path.name]
    assert path.read_text() == 'filled'
  make(texts, tmp_path / 'sheet', n=8, overwrite=True)
  assert [p.read_bytes() for p in study] == before


@pytest.mark.parametrize(
  ('change', 'said'),
  [
    ({'n': 41}, r'A\.txt has 40 sentences, fewer than -n=41'),
    ({'n': 0}, '-n=0 is too small'),
    ({'raters': 0}, '--raters=0 is too small'),
    ({'seed': -1}, '--seed=-1 is out of range'),
  ],
)
def test_bad_numbers(texts, tmp_path, change, said):
  with pytest.raises(UserError, match=said):
    make(texts, tmp_path / 'sheet', **change)
  assert not list(tmp_path.glob('sheet*'))
