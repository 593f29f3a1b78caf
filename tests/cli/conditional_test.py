"""A run of a conditional generator: samples, likelihoods and exports."""

import json
import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
import tiny
from command_line import ROOT, assert_refused, call, flags, lines
from trees import assert_same_checkpoint, timeless_records

from moegan_jax import exported, trained
from moegan_jax.cli import compare, export, info, sample, train
from moegan_jax.errors import UserError
from moegan_jax.report import html
from moegan_jax.store.checkpoint import Store

pytestmark = pytest.mark.usefixtures('own_cache', 'no_drawings')

SETTINGS = tiny.LIKELIHOOD | {
  'generator.conditional': True,
  'generator.hidden': 8,
  'data.codec': 'whitespace',
  'mle.epochs': 12,
  'mle.lr': 0.05,
  'mle.eval_every': 0,
  'eval.samples': 40,
  'eval.final_samples': 120,
  'eval.chunk': 64,
  'eval.curve_samples': 0,
}


def write_text(folder):
  """Writes a file of each class, which share all words but the first."""
  rng = random.Random(0)
  for name, first in (('pos', 'good'), ('so-so', 'fair'), ('neg', 'bad')):
    lines = [
      f'{first} {rng.choice("abcd")} {rng.choice("xyz")}'
      for _ in range(60 if name == 'pos' else 40)
    ]
    (folder / f'{name}.txt').write_text('\n'.join(lines) + '\n')
  return ','.join(str(folder / f'{n}.txt') for n in ('pos', 'so-so', 'neg'))


def argv(paths, folder, **changes):
  settings = SETTINGS | {'data.paths': paths}
  changed = {key.replace('__', '.'): value for key, value in changes.items()}
  return [
    '--config=mle:text',
    *flags(**settings | changed),
    f'--workdir={folder}',
  ]


@pytest.fixture(scope='module')
def folder(tmp_path_factory, own_cache, no_drawings):
  """Returns a folder with the texts, the run `run` and its plan."""
  folder = tmp_path_factory.mktemp('conditional')
  paths = write_text(folder)
  code, out, err = call(train, *argv(paths, folder / 'run'))
  assert code == 0, err
  (folder / 'plan.txt').write_text(out)
  return folder


@pytest.fixture(scope='module')
def run(folder):
  return trained.load(folder / 'run', chunk=50)


LOADER = ROOT / 'examples/load_exported.py'
NAMES = ['neg', 'pos', 'so-so']
FIRST = {'neg': 'bad', 'pos': 'good', 'so-so': 'fair'}


def test_plan_names_the_classes_and_their_sizes(folder):
  plan = (folder / 'plan.txt').read_text()
  assert 'labels      3 classes: pos (5' in plan
  (line,) = [x for x in plan.splitlines() if x.startswith('classes')]
  known = json.loads((folder / 'run/corpus.json').read_text())
  assert known['label_names'] == NAMES
  for name, size in zip(NAMES, known['class_sizes']):
    assert f'{name} {size}' in line


def share(text, name):
  """Returns the share of sentences with the first word of a class."""
  return np.mean([line.startswith(FIRST[name]) for line in text])


def test_samples_have_the_label(folder, run):
  for name in NAMES:
    text = run.sample(100, seed=1, label=name)
    assert share(text, name) > 0.9
    flag = lines(
      sample, '--workdir', folder / 'run', '-n', 100, '--seed', 1,
      '--label', name, '--batch', 7,
    )  # fmt: skip
    assert flag == text


def test_classes_take_turns_without_a_label(folder, run):
  text = run.sample(99, seed=2)
  each = {name: run.sample(99, seed=2, label=name) for name in NAMES}
  assert text == [each[NAMES[i % 3]][i] for i in range(99)]
  code, out, err = call(
    sample, '--workdir', folder / 'run', '-n', 99, '--seed', 2, '--batch', 10
  )
  assert code == 0 and out.splitlines() == text
  assert err.endswith(', class in turn: neg, pos, so-so\n')


def test_likelihood_given_a_class_and_of_the_mixture(folder, run):
  text = run.sample(20)
  given = [run.log_prob(text, label=name) for name in NAMES]
  sizes = json.loads((folder / 'run/corpus.json').read_text())['class_sizes']
  shares = np.array(sizes) / sum(sizes)
  mixed = np.log(shares @ np.exp(np.stack(given)))
  np.testing.assert_allclose(run.log_prob(text), mixed, atol=1e-4)


def test_wrong_labels_are_named(folder, run):
  argv = ['--workdir', folder / 'run']
  assert_refused(
    sample, [*argv, '--label', 'po'], "label='po' is unknown", "'pos'", 'neg'
  )
  with pytest.raises(UserError, match=r"label='x' is unknown"):
    run.sample(1, label='x')
  with pytest.raises(UserError, match=r"label='x' is unknown"):
    run.log_prob(['good a x'], label='x')


@pytest.mark.slow
def test_an_unconditional_run_refuses_a_label(folder, tmp_path):
  """It also reads labelled text as other systems do."""
  paths = ','.join(str(folder / f'{n}.txt') for n in ('pos', 'so-so', 'neg'))
  changes = {'generator__conditional': False, 'mle__epochs': 1}
  code, out, err = call(train, *argv(paths, tmp_path / 'run', **changes))
  assert code == 0 and not any(
    line.startswith('classes') for line in out.splitlines()
  ), err
  where = ['--workdir', tmp_path / 'run']
  assert_refused(sample, [*where, '--label=pos'], 'not conditional')
  about = tmp_path / 'generator'
  lines(export, *where, '-o', about)
  assert json.loads((about / 'generator.json').read_text())['format'] == 1
  assert_refused(
    sample, ['--exported', about, '--label=pos'], 'not conditional'
  )
  assert not list((tmp_path / 'run/samples').glob('*@*'))


def test_samples_of_each_class_are_files(folder, run):
  files = sorted((folder / 'run/samples').glob('*@*.txt'))
  step = run.step
  assert [f.name for f in files] == [
    f'pretrain@{name}-{step}.txt' for name in NAMES
  ]
  for name, file in zip(NAMES, files):
    text = file.read_text().splitlines()
    assert len(text) == 40 and share(text, name) > 0.9
  out = lines(info, folder / 'run')
  assert any('files in samples/' in line for line in out)


def test_report_has_each_class(folder):
  results = json.loads((folder / 'run/results.json').read_text())
  rows = {row['key']: row for row in results['rows']}
  assert rows['start']['values']['class_accuracy'][0] > 0.8
  assert rows['real_test']['values']['class_accuracy'] == 1
  for key, measures in {
    'start': {'bleu4', 'auc', 'class_accuracy', 'nll_test_token'},
    'real_train': {'bleu4', 'distinct_sentences'},
    'real_test': {'class_accuracy', 'distinct_sentences'},
  }.items():
    assert set(rows[key]['classes']) == set(NAMES)
    for values in rows[key]['classes'].values():
      assert measures - {'auc'} <= set(values)
  printed = (folder / 'plan.txt').read_text()
  assert '\nClasses\n' in printed and 'pos: real test' in printed
  assert '## Classes' in (folder / 'run/results.md').read_text()
  assert '<h3>Classes</h3>' in (folder / 'run/report.html').read_text()
  out = lines(compare, folder / 'run')
  assert 'Classes' in out and any(x.startswith('so-so: ') for x in out)
  records = timeless_records(folder / 'run')
  assert not [key for record in records for key in record if '[' in key]


def test_export_takes_a_label(folder, run, tmp_path):
  target = tmp_path / 'generator'
  lines(export, '--workdir', folder / 'run', '-o', target)
  about = json.loads((target / 'generator.json').read_text())
  assert about['format'] == 2 and about['labels'] == NAMES
  loaded = exported.load(target)
  assert loaded.sample(30) == run.sample(30)
  for given in ([], ['pos']):
    done = subprocess.run(
      [sys.executable, LOADER, target, '20', '7', *given],
      capture_output=True,
      encoding='utf-8',
    )
    assert done.returncode == 0, done.stderr
    style = ['--label', *given] if given else []
    own = lines(sample, '--exported', target, '--seed', 7, '-n', 20, *style)
    assert done.stdout.splitlines() == own


@pytest.mark.slow
def test_resumed_and_streamed_runs_are_identical(folder, tmp_path, monkeypatch):
  paths = ','.join(str(folder / f'{n}.txt') for n in ('pos', 'so-so', 'neg'))
  streamed = argv(paths, tmp_path / 'streamed', data__stream=True)
  code, _, err = call(train, *streamed)
  assert code == 0, err
  assert_same_checkpoint(tmp_path / 'streamed', folder / 'run')
  save, stops = Store.save, [20, 50]

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    if kind == 'last' and stops and step >= stops[0]:
      stops.pop(0)
      os.kill(os.getpid(), signal.SIGTERM)

  stepwise = {'chunk_seconds': 0.001, 'checkpoint__every': 0.0}
  with monkeypatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    codes = [
      call(train, *argv(paths, tmp_path / 'run', **stepwise))[0]
      for _ in range(3)
    ]
  assert codes == [130, 130, 0] and not stops
  assert_same_checkpoint(tmp_path / 'run', folder / 'run')
  assert timeless_records(tmp_path / 'run') == timeless_records(folder / 'run')
  for file in (folder / 'run/samples').glob('*'):
    assert (
      tmp_path / 'run/samples' / file.name
    ).read_text() == file.read_text()


def test_other_labels_of_the_same_text_are_another_corpus(folder, tmp_path):
  table = [
    f'{line},{name}'
    for name in NAMES
    for line in (folder / f'{name}.txt').read_text().splitlines()
  ]
  path = tmp_path / 'a.csv'
  path.write_text('\n'.join(['text,kind', *table]) + '\n')
  changes = {'data__path': path, 'data__label_column': 'kind', 'mle__epochs': 1}
  own = argv('', tmp_path / 'run', **changes)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(html, 'write', lambda folder: None)
    code, _, err = call(train, *own)
  assert code == 0, err
  names = {'neg': 'pos', 'pos': 'neg'}
  swapped = [
    f'{line.rpartition(",")[0]},{names.get(line.rpartition(",")[2], "so-so")}'
    for line in table
  ]
  path.write_text('\n'.join(['text,kind', *swapped]) + '\n')
  code, _, err = call(train, *own)
  assert code == 2 and 'its corpus differs' in err


def test_small_classes_are_refused(folder, tmp_path):
  (tmp_path / 'rare.txt').write_text('rare a x\n' * 9)
  paths = f'{folder / "pos.txt"},{tmp_path / "rare.txt"}'
  code, _, err = call(train, *argv(paths, tmp_path / 'run'))
  assert code == 2
  assert "the class 'rare' has" in err and 'at least 10' in err
  code, _, err = call(
    train, *argv(folder / 'pos.txt', tmp_path / 'run', data__limit=0)
  )
  assert code == 2 and 'names one file' in err
