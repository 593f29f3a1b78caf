"""Scores of filled sheets, and invalid sheets and keys."""

import json
import statistics

import pytest
from human_studies import LONG, cell, fill, items_of, rows_of

from moegan_jax.cli.human_eval import main
from moegan_jax.errors import UserError
from moegan_jax.human.scoring import score
from moegan_jax.human.sheet import make


def test_scores_equal_their_definitions(study, tmp_path):
  *sheets, key, _ = study
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  result = score(sheets, key)
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
  files = make({'X': text}, tmp_path / 's', n=2, raters=1)
  fill(files[0], lambda _: '1')
  found = score(files[:1], files[1])['systems']['X']
  assert (found['short'], found['raw'], found['human']) == (0.5, 1, 0.5)
  assert found['raw_sd'] == 0
  assert found['human_sd'] == pytest.approx(0.5**0.5)  # of 0 and 1


def test_sheets_rewritten_by_spreadsheets(study, tmp_path):
  """Other delimiters and encodings, 4.0 for 4, sorted and empty rows."""
  *sheets, key, _ = study
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  expected = score(sheets, key)
  fill(sheets[0], lambda i: cell(i, 0) + ',0', delimiter=';', encoding='latin1')
  fill(sheets[1], lambda i: cell(i, 1) + '.0', delimiter='\t')
  header, *rest = sheets[2].read_text(encoding='utf-8-sig').splitlines()
  lines = [header.upper(), '', *sorted(rest), ',,', '']
  sheets[2].write_text('\r'.join(lines), encoding='utf-8')
  assert score(sheets[::-1], key) == expected


def test_equal_scores_have_no_kappa(study, capsys):
  *sheets, key, _ = study
  for sheet in sheets:
    fill(sheet, lambda _: '4')
  assert score(sheets, key)['kappa'] is None
  command = ['score', *map(str, sheets), '--key', str(key)]
  assert main(command) == 0
  assert 'undefined, since all scores are equal' in capsys.readouterr().out


@pytest.mark.parametrize(
  ('wrong', 'said'),
  [
    ('', 'the score is missing'),
    ('  ', 'the score is missing'),
    ('0', "score '0' is invalid; write 1, 2, 3, 4 or 5"),
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
    score(sheets, key)


def test_bad_sheets(study, texts, tmp_path):
  *sheets, key, _ = study
  for sheet in sheets:
    fill(sheet, lambda _: '2')
  good = sheets[1].read_text(encoding='utf-8-sig').splitlines()
  id = good[4].partition(',')[0]

  def fails(lines, said):
    sheets[1].write_text('\n'.join(lines), encoding='utf-8')
    with pytest.raises(UserError, match=said) as caught:
      score(sheets, key)
    assert '\n' not in str(caught.value)
    assert 'sheet-2.csv' in str(caught.value)

  fails(good[:-1], r'after row 16: 1 of 16 sentences are missing, first')
  fails(
    [*good[:5], good[4], *good[5:]], f'row 6: id {id} already occurs in row 5'
  )
  other = [*good[:4], good[4].replace(id, 'bcdfgh-001'), *good[5:]]
  fails(other, r"row 5: id 'bcdfgh-001' belongs to another key")
  unknown = [*good[:4], good[4].replace(id, f'{id}9'), *good[5:]]
  fails(unknown, rf"row 5: id '{id}9' is not in .*sheet-key.json")
  fails([*good[:4], 'no,x,4'], "row 5: id 'no' belongs to another key")
  fails([*good[:4], ',x,4'], "row 5: id '' is not in")
  fails(good[1:], "row 1: needs exactly one column 'id'")
  fails(['id,sentence', *good[1:]], "row 1: needs exactly one column 'score'")
  fails(
    ['id,score,score', *good[1:]], "row 1: needs exactly one column 'score'"
  )
  fails([''], "row 1: needs exactly one column 'id'")
  fails(['id,sentence,score', 'x' * 200_000], 'field larger')
  fails(['\0'], 'is not CSV text')
  sheets[1].unlink()
  with pytest.raises(UserError, match=r'sheet-2\.csv cannot be read'):
    score(sheets, key)
  with pytest.raises(UserError, match=r'sheet-1.csv was given twice'):
    score([sheets[0], sheets[0]], key)
  # A sheet of the same texts with another seed belongs to another key.
  files = make(texts, tmp_path / 'z', n=8, seed=1)
  fill(files[0], lambda _: '2')
  with pytest.raises(
    UserError, match=r'z-1.csv, row 2: .* belongs to another key'
  ):
    score([sheets[0], files[0]], key)


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
    with pytest.raises(UserError, match=r'sheet-key.json is not a key'):
      score(sheets, key)
