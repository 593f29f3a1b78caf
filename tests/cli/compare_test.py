"""Output, files and errors of `compare`."""

import subprocess
import sys

import fake_runs
import numpy as np
import pytest
from command_line import assert_refused, call

from moegan_jax.cli import compare
from moegan_jax.report import runs


@pytest.fixture
def three(tmp_path):
  return [
    fake_runs.write(tmp_path / 'gan-s0', benchmark='coco', seed=0),
    fake_runs.write(tmp_path / 'gan-s1', benchmark='coco', seed=1),
    fake_runs.write(tmp_path / 'oracle', text=False),
  ]


def test_seeds_are_pooled_and_corpora_are_separate(three):
  code, out, err = call(compare, *three)
  assert code == 0 and err == ''
  first, second = out.split('== oracle ==')
  assert '== coco ==' in first and 'KL(p||q)' not in first
  values = [runs.load(path).rows[1].values['bleu4'][0] for path in three[:2]]
  said = f'{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}'
  assert any(
    x.startswith('gan (2 runs): moegan, last') and said in x
    for x in first.splitlines()
  )
  assert 'gan (2 runs): moegan, 2 seeds, 1,000 MLE + 120 GAN' in first
  assert 'real train' in first and 'SeqGAN [' in first
  assert 'Published' not in second and 'oracle: MLE, cooled' in second
  assert max(len(line.split('[')[0]) for line in first.splitlines()[6:9]) < 101


def test_markdown_contains_all_measures_and_notes(three):
  code, out, _ = call(compare, *three, '--format', 'markdown')
  assert code == 0
  assert '# Results on coco' in out and '# Results on oracle' in out
  assert '| gan (2 runs): moegan, best [' in out
  assert '| BLEU-3 |' in out and '## Published' in out
  assert out.count('## Published') == 1


@pytest.mark.parametrize('form', ['table', 'markdown'])
def test_measures_flag_selects_the_columns(three, form):
  asked = '--measures=entropy, nll_oracle', f'--format={form}'
  code, out, _ = call(compare, three[2], *asked)
  head, last = (
    next(line for line in out.splitlines() if word in line)
    for word in ('NLL oracle', 'oracle: moegan, last')
  )
  assert code == 0 and out.startswith('oracle\n\n')
  assert head.replace('|', '').split() == ['entropy', 'NLL', 'oracle']
  values = runs.load(three[2]).rows[1].values
  found = [float(x) for x in last.replace('|', '').split()[-2:]]
  expected = [values[key][0] for key in ('entropy', 'nll_oracle')]
  np.testing.assert_allclose(found, expected, atol=5e-4)


def test_report_flag_writes_html(three, tmp_path):
  target = tmp_path / 'joint.html'
  code, _, err = call(compare, *three[:2], f'--report={target}')
  assert code == 0 and str(target) in err
  assert '<h1>Comparison of 2 runs</h1>' in target.read_text(encoding='utf-8')


def test_replaced_data_hide_published_rows(tmp_path):
  path = fake_runs.write(tmp_path / 'a', stands_in='captions stand in')
  code, out, _ = call(compare, path)
  assert code == 0 and 'captions stand in' in out and 'SeqGAN' not in out


def test_collapse_is_marked(tmp_path):
  path = fake_runs.write(tmp_path / 'a')
  text = (path / 'results.json').read_text()
  (path / 'results.json').write_text(
    text.replace('"distinct_sentences": [', '"distinct_sentences": [0.1, ')
  )
  _, out, _ = call(compare, path)
  assert 'a: moegan, last (collapsed)' in out
  assert 'distinct sentences 0.100' in out


def test_bad_input_is_one_line(tmp_path, three):
  (tmp_path / 'empty').mkdir()
  damaged = fake_runs.write(tmp_path / 'damaged')
  (damaged / 'results.json').write_text('{')
  unfinished = fake_runs.write(tmp_path / 'unfinished')
  (unfinished / 'results.json').unlink()
  for arguments in (
    [tmp_path / 'nowhere'],
    [tmp_path / 'empty'],
    [damaged],
    [unfinished],
    [three[0], three[0]],
    [],
    [three[0], '--format=latex'],
    [three[0], '--verbose'],
    [three[0], '--measures=blue4'],
    [three[0], f'--report={tmp_path / "no" / "report.html"}'],
  ):
    assert_refused(compare, arguments, silent=False)


def test_heavy_packages_are_not_imported(three):
  code = (
    'import sys; from moegan_jax.cli import compare;'
    f'compare.main([{str(three[0])!r}]);'
    'heavy = {"jax", "matplotlib", "jinja2", "sklearn", "scipy"};'
    'sys.exit(len(heavy & set(sys.modules)))'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
