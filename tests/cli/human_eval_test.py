"""Output and errors of `human-eval`."""

import json
import subprocess
import sys

import pytest
from command_line import ROOT, assert_refused, call
from human_studies import cell, fill, make_study, write_texts

from moegan_jax.cli import human_eval
from moegan_jax.human.scoring import score


def test_scores_are_printed_in_three_formats(tmp_path):
  *sheets, key, _ = make_study(write_texts(tmp_path / 'texts'), tmp_path)
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  result = score(sheets, key)
  command = ['score', *map(str, sheets), '--key', str(key)]
  printed = {}
  for form in ('table', 'markdown', 'json'):
    code, printed[form], err = call(human_eval, *command, '--format', form)
    assert code == 0, err
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
    (['make', '--texts', 'x.txt'], 'pass NAME=PATH'),
    (['make', '--texts', '=x.txt'], 'pass NAME=PATH'),
    (['make', '--texts', 'A=a', 'A=b'], "'A' is used twice"),
    (['make', '--texts', 'A=missing.txt'], 'missing.txt does not exist'),
    (['make', '--texts', 'A=a', '-n', 'x'], 'invalid int'),
    (['score', 'a.csv'], '--key'),
    (
      ['score', 'a.csv', '--key', 'missing.json'],
      'missing.json does not exist',
    ),
    (['score', 'a.csv', '--key', 'x', '--format', 'pdf'], 'pdf'),
  ],
)
def test_bad_command_line_is_one_line(argv, said, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert_refused(human_eval, argv, said)
  assert not list(tmp_path.iterdir())


def test_help_imports_neither_numpy_nor_jax():
  code = (
    'import sys; from moegan_jax.cli import human_eval\n'
    'try: human_eval.main(["--help"])\n'
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
