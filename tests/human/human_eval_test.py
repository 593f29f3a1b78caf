"""Command line of the human evaluation."""

import json
import pathlib
import subprocess
import sys

import pytest
from human_studies import cell, fill

from moegan_jax.cli.human_eval import main
from moegan_jax.human.scoring import score

ROOT = pathlib.Path(__file__).parents[2]


def test_print(study, capsys):
  *sheets, key, _ = study
  for rater, sheet in enumerate(sheets):
    fill(sheet, lambda i, r=rater: cell(i, r))
  result = score(sheets, key)
  command = ['score', *map(str, sheets), '--key', str(key)]
  printed = {}
  for form in ('table', 'markdown', 'json'):
    assert main([*command, '--format', form]) == 0
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
    (['make', '--texts', 'x.txt'], 'pass NAME=PATH'),
    (['make', '--texts', '=x.txt'], 'pass NAME=PATH'),
    (['make', '--texts', 'A=a', 'A=b'], "'A' is used twice"),
    (['make', '--texts', 'A=missing.txt'], 'missing.txt does not exist'),
    (['make', '--texts', 'A=a', '-n', 'x'], 'invalid int'),
    (['score', 'a.csv'], '--key'),
    (['score', 'a.csv', '--key', 'missing.json'], 'missing.json'),
    (['score', 'a.csv', '--key', 'x', '--format', 'pdf'], 'pdf'),
  ],
)
def test_bad_command_lines(argv, said, capsys, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert main(argv) == 2
  out, error = capsys.readouterr()
  assert not out
  assert error.startswith('error: ') and said in error
  assert error.count('\n') == 1
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
