"""Runs of `train`: what they write, and how they resume."""

import json
import os
import shutil
import signal

import jax
import numpy as np
import pytest
from training import (
  EPOCH,
  LONG_RUN,
  ORACLE_RUN,
  STEPS,
  TEST,
  TIMEOUT,
  UNBROKEN_RUN,
  run,
  start,
  wait_for_step,
)
from trees import assert_same_checkpoint, checkpoint, records

import moegan_jax
from moegan_jax import data
from moegan_jax.cli import train
from moegan_jax.errors import UserError
from moegan_jax.report import html
from moegan_jax.store.checkpoint import Store
from moegan_jax.train import loop

pytestmark = pytest.mark.usefixtures('own_cache')
END = EPOCH + STEPS


@pytest.fixture(scope='module')
def finished(tmp_path_factory, own_cache):
  """Returns folder, command and output of a finished run of two seeds.

  No test may change the folder.
  """
  workdir = tmp_path_factory.mktemp('runs') / 'oracle'
  argv = [*UNBROKEN_RUN, f'--workdir={workdir}']
  code, out, err = run(*argv)
  assert code == 0, err
  return workdir, argv, out


@pytest.fixture
def no_page(monkeypatch):
  """Leaves out the HTML page, which `test_workdir_contains_all_files` reads."""
  monkeypatch.setattr(html, 'write', lambda folder: None)


@pytest.fixture
def copied(finished, tmp_path):
  """Returns a copy of the finished run and its command."""
  workdir, argv, _ = finished
  shutil.copytree(workdir, tmp_path / 'run')
  return tmp_path / 'run', [*argv[:-1], f'--workdir={tmp_path / "run"}']


# --- contents of a run ------------------------------------------------------


def test_workdir_contains_all_files(finished):
  workdir, _, out = finished
  config = json.loads((workdir / 'config.json').read_text())
  assert config['data']['vocab_size'] == 30 and config['num_seeds'] == 2
  environment = json.loads((workdir / 'environment.json').read_text())
  assert environment[-1]['versions']['jax'] == jax.__version__
  assert list(workdir.rglob('events.out.tfevents*'))
  names = {path.name for path in (workdir / 'checkpoints').iterdir()}
  assert {f'last-{END}', f'phase-{EPOCH}', f'phase-{END}'} <= names
  assert any(name.startswith('best-') for name in names)
  table = (workdir / 'results.md').read_text(encoding='utf-8')
  for word in ('MLE', 'moegan, last', 'MLE, cooled', 'oracle', 'Jeffreys'):
    assert word in table, word
  for label in ('MLE', 'moegan, last,'):
    assert f'{label} at its best temperature' in table
  record = json.loads((workdir / 'results.json').read_text())
  assert [row['key'] for row in record['rows'][:2]] == [
    'start',
    'last',
  ]
  assert all(len(r['values']['jeffreys']) == 2 for r in record['rows'][:2])
  curves = json.loads((workdir / 'curves.json').read_text())
  assert curves['temperatures'] == [0.8, 1.0]
  assert np.shape(curves['curves']['last']['jeffreys']) == (2, 2)
  with np.load(workdir / 'features.npz') as features:
    assert features['real'].shape == features['fake'].shape == (TEST, 4)
  assert 'Jeffreys' in (workdir / 'report.html').read_text(encoding='utf-8')
  assert 'Jeffreys' in out and 'generator' in out and 'T = 6' in out


def test_plan_is_an_aligned_table(finished):
  out = finished[2].splitlines()
  first = out.index('corpus      oracle (ids tokens)')
  (end,) = [i for i, line in enumerate(out) if line.startswith('compiling')]
  assert 'seeds       2' in out[first:end]
  for line in out[first:end]:
    assert line[11] == ' ' and line[12] != ' ', line


def test_measures_are_printed_with_samples(finished):
  workdir, _, text = finished
  out = text.splitlines()
  for name, step, done in (
    ('pretrain', EPOCH, f'{EPOCH}/{EPOCH}'),
    ('adversarial', END, f'{STEPS}/{STEPS}'),
  ):
    at = out.index(f'samples of {name} at step {step} ({done}):')
    assert 'Jeffreys' in out[at + 4], out[at : at + 5]
  assert f'finished; see {workdir / "report.html"}' in out


def test_metrics_are_recorded_per_seed(finished):
  lines = records(finished[0])
  text = json.dumps(lines)
  for name in ('nll', 'd_loss', 'g_loss', 'jeffreys', 'nll_oracle', 'step_js'):
    assert f'"{name}"' in text, name
  steps = [line['step'] for line in lines]
  assert steps == sorted(steps) and steps[-1] == END
  # The seeds differ.
  losses = [line for line in lines if 'd_loss' in json.dumps(line)]
  values = [v for line in losses for v in find(line, 'd_loss')]
  assert values and all(len(v) == 2 and v[0] != v[1] for v in values)


def find(value, name):
  """Returns all values of a key in nested dicts."""
  if not isinstance(value, dict):
    return []
  here = [value[name]] if name in value else []
  return here + [x for inner in value.values() for x in find(inner, name)]


def test_sample_files_contain_one_sentence_per_line(finished):
  files = sorted((finished[0] / 'samples').glob('*.txt'))
  assert {f.stem.rpartition('-')[0] for f in files} == {
    f'{phase}-seed{i}' for phase in ('pretrain', 'adversarial') for i in (0, 1)
  }
  for file in files:
    rows = file.read_text().splitlines()
    assert len(rows) in (50, 60)
    words = [row.split() for row in rows]
    assert all(len(w) == 6 and all(0 <= int(x) < 30 for x in w) for w in words)


def test_loaded_run_samples_scores_and_judges(finished):
  workdir, argv, _ = finished
  one = moegan_jax.load(workdir, seed_index=1)
  text = one.sample(40, seed=3)
  assert text[:2] == one.sample(2, seed=3)
  assert text != one.sample(40, seed=4)
  (text,) = (x for x in argv if x.startswith('--config='))
  changes = [x for x in argv if x.startswith('--config.')]
  config = train.configuration(text.partition('=')[2], changes)
  corpus = data.load(config.data).corpus
  held_out = corpus.text(corpus.test[:60])
  row = json.loads((workdir / f'rows/last-{END}.json').read_text())
  nll = -one.log_prob(held_out).mean() / corpus.length
  np.testing.assert_allclose(nll, row['nll_test'][1], rtol=1e-5)
  assert one.judge(held_out).shape == (60,)
  unknown = '3 3 3 3 3 999'
  assert np.isfinite(one.log_prob([unknown]))
  with pytest.raises(UserError, match='sentence 1 has a word'):
    one.judge([held_out[0], unknown])
  with pytest.raises(UserError, match='sentence 0 has 2 tokens'):
    one.log_prob(['3 3'])
  with pytest.raises(UserError, match='temperature=0'):
    one.sample(1, temperature=0)
  for of_text in (one.log_prob, one.judge):
    with pytest.raises(TypeError, match='a string; pass a list'):
      of_text(held_out[0])
  assert one.sample(0) == [] and len(one.log_prob([])) == 0
  with pytest.raises(UserError, match=r'seed_index=2 \(--member\)'):
    moegan_jax.load(workdir, seed_index=2)
  with pytest.raises(UserError, match='not a run'):
    moegan_jax.load(workdir / 'samples')


def test_compiled_programs_are_in_the_chosen_cache(finished, own_cache):
  assert jax.config.jax_compilation_cache_dir == str(own_cache / 'xla')


def test_non_finite_loss_exits_with_one(tmp_path):
  argv = [*ORACLE_RUN, '--config.mle.lr=1e38', f'--workdir={tmp_path / "run"}']
  code, _, err = run(*argv)
  assert code == 1
  (line,) = err.splitlines()
  for word in ('pretrain', 'step', 'seed 0', 'nll is not finite'):
    assert word in line, word


# --- the same command again ------------------------------------------------


def test_finished_run_prints_its_table_without_training(
  finished, monkeypatch, no_page
):
  workdir, argv, _ = finished
  before = records(workdir)
  table = (workdir / 'results.md').read_text()

  def no(*_):
    raise AssertionError('a finished run was trained')

  monkeypatch.setattr(loop, 'compile_chunk', no)
  code, out, _ = run(*argv)
  assert code == 0 and 'finished' in out and 'Jeffreys' in out
  assert records(workdir) == before
  assert (workdir / 'results.md').read_text() == table


def test_changed_setting_is_refused_and_named(finished):
  workdir, argv, _ = finished
  for change in (['--config.mle.lr=0.5'], ['--config.adversarial.steps=1']):
    code, _, err = run(*argv, *change)
    assert code == 2 and change[0][9:].split('=')[0] in err
    assert err.count('\n') == 1 and str(workdir) in err


def test_more_steps_resume_a_finished_run(copied, no_page):
  workdir, argv = copied
  code, _, err = run(*argv, f'--config.adversarial.steps={STEPS + 1}')
  assert code == 0, err
  assert checkpoint(workdir)[1].step == END + 1
  steps = [line['step'] for line in records(workdir)]
  assert steps == sorted(steps) and steps[-1] == END + 1
  config = json.loads((workdir / 'config.json').read_text())
  assert config['adversarial']['steps'] == STEPS + 1


def test_damaged_checkpoint_falls_back_to_the_previous_one(copied, no_page):
  workdir, argv = copied
  newest = workdir / 'checkpoints' / f'last-{END}'
  victim = max(
    newest.rglob('*'), key=lambda p: p.is_file() and p.stat().st_size
  )
  data = bytearray(victim.read_bytes())
  data[len(data) // 2] ^= 1
  victim.write_bytes(data)
  code, out, err = run(*argv)
  assert code == 0, err
  assert f'last-{END} is damaged' in out
  assert checkpoint(workdir)[1].step == END


@pytest.mark.slow
def test_init_from_starts_at_the_mle_of_another_run(finished, tmp_path):
  workdir, argv, _ = finished
  more = [f'--config.init_from={workdir}', f'--workdir={tmp_path / "run"}']
  code, _, err = run(*argv[:-1], *more, '--config.adversarial.steps=1')
  assert code == 0, err
  assert checkpoint(tmp_path / 'run')[1].step == 1
  # The adversarial phase starts with the parameters of that run's MLE.
  table = (tmp_path / 'run' / 'rows' / 'start-0.json').read_text()
  other = (workdir / 'rows' / f'start-{EPOCH}.json').read_text()
  ours, theirs = json.loads(table), json.loads(other)
  assert ours['nll_train'] == pytest.approx(theirs['nll_train'], rel=1e-5)


# --- interruption ------------------------------------------------------------


def test_run_ended_by_sigterm_and_sigkill_is_identical_to_unbroken_run(
  finished, tmp_path, monkeypatch, no_page
):
  workdir = tmp_path / 'run'
  argv = [*LONG_RUN, f'--workdir={workdir}']
  save = Store.save

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    if (kind, step) == ('last', EPOCH + 9):
      os.kill(os.getpid(), signal.SIGTERM)

  with monkeypatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    code, _, err = run(*argv)
  assert code == 130
  (line,) = err.splitlines()
  assert 'SIGTERM' in line and 'saved' in line and str(tmp_path) in line
  assert checkpoint(workdir)[1].step == EPOCH + 9

  process = start(argv)
  wait_for_step(process, workdir, EPOCH + 14)
  process.kill()
  out, _ = process.communicate()
  assert f'resumed at step {EPOCH + 9} of {END}' in out
  left = Store(workdir / 'checkpoints').steps('last')[-1]
  assert EPOCH + 14 <= left < END, 'the run ended before it was killed'

  code, out, err = run(*argv)
  assert code == 0, err
  assert f'resumed at step {left} of {END}' in out
  assert_same_checkpoint(workdir, finished[0])


@pytest.mark.slow
def test_run_killed_three_times_is_identical_to_unbroken_run(
  finished, tmp_path
):
  workdir = tmp_path / 'run'
  argv = [*LONG_RUN, f'--workdir={workdir}']
  for step in (5, EPOCH + 3, EPOCH + 17):
    process = start(argv)
    wait_for_step(process, workdir, step)
    process.kill()
    process.communicate()
  process = start(argv)
  _, err = process.communicate(timeout=TIMEOUT)
  assert process.returncode == 0, err
  assert_same_checkpoint(workdir, finished[0])
