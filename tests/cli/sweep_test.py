"""Runs of `sweep`: the list of a grid, its cells, and how it resumes."""

import json
import os
import signal

import numpy as np
import pytest
from command_line import call, captured
from toy_grids import ABLATION, CELLS, EPOCH, STEPS, TINY, grid_file
from trees import checkpoint, records

import moegan_jax
from moegan_jax import config as configs
from moegan_jax import data
from moegan_jax.cli import sweep
from moegan_jax.experiment import train_app, warm_start
from moegan_jax.store.checkpoint import Store
from moegan_jax.sweeps import grid as grids
from moegan_jax.sweeps import joint_training

pytestmark = pytest.mark.usefixtures(
  'own_cache', 'no_figures', 'no_drawings', 'in_root', 'kept_programs'
)


def run(*argv):
  """Returns exit code, stdout and stderr of `sweep` in this process."""
  return call(sweep, *argv)


@pytest.mark.parametrize(
  'path', sorted(ABLATION.parent.glob('[a-z]*.py')), ids=lambda p: p.stem
)
def test_list_flag_prints_every_cell(path, tmp_path):
  workdir = f'--workdir={tmp_path / "x"}'
  code, out, err = run(f'--grid={path}:smoke', workdir, '--list')
  assert code == 0, err
  said = {line.strip().partition(':')[0] for line in out.splitlines()[1:]}
  assert grids.load(f'{path}:smoke').cells.keys() <= said
  assert not (tmp_path / 'x').exists()
  if path == ABLATION:
    assert 'no_alignment: ' in out and ', from starts/full, fsa.wei' in out


@pytest.fixture(scope='module')
def swept(tmp_path_factory, own_cache):
  """Returns folder, command and both outputs of a sweep interrupted once."""
  folder = tmp_path_factory.mktemp('sweep')
  argv = (f'--grid={grid_file(folder, CELLS)}', f'--workdir={folder / "toy"}')
  save = Store.save

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    of_the_group = self.directory.parent.name == 'slow+fast'
    if of_the_group and (kind, step) == ('last', 2):
      os.kill(os.getpid(), signal.SIGTERM)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    first = run(*argv)
  return folder / 'toy', argv, first, run(*argv)


def test_interrupted_sweep_resumes(swept):
  folder, _, (code, _, err), (again, out, said) = swept
  assert code == 130 and again == 0, said
  assert 'SIGTERM: saved in' in err.splitlines()[-1]
  assert f'resumed at step 2 of {STEPS}' in out
  table = (folder / 'results.md').read_text(encoding='utf-8')
  page = (folder / 'report.html').read_text(encoding='utf-8')
  for cell in CELLS:
    assert f'{cell}: moegan, last' in table, cell
    assert f'<th class="stick">{cell}</th>' in page, cell


def test_cell_has_the_files_of_a_run(swept):
  folder = swept[0]
  config = json.loads((folder / 'fast/config.json').read_text())
  assert config['adversarial']['g_lr'] == 1e-3 and config['num_seeds'] == 2
  found = records(folder / 'fast')
  assert [r['step'] for r in found if r['kind'] == 'train'] == [1, 2, 3, 4]
  assert all(len(r['g_loss']) == 2 for r in found if 'g_loss' in r)
  names = {path.name for path in (folder / 'fast/samples').iterdir()}
  assert {
    f'adversarial-seed{i}-{s}.txt' for i in (0, 1) for s in (2, 4)
  } == names
  row = json.loads((folder / f'fast/rows/last-{STEPS}.json').read_text())
  one = moegan_jax.load(folder / 'fast', seed_index=1)
  assert len(one.sample(3)) == 3 and len(row['jeffreys']) == 2
  for name in ('results.json', 'curves.json', 'features.npz'):
    assert (folder / 'fast' / name).is_file(), name


def test_shared_warm_start_is_trained_once(swept):
  folder = swept[0]
  start = folder / 'starts/slow/rows'
  for ours, theirs in (
    ('start-0', f'start-{EPOCH}'),
    ('curve_start-0', f'curve_start-{EPOCH}'),
    ('start_tempered-0', f'start_tempered-{EPOCH}'),
    ('real_train-40', 'real_train-40'),
    ('real_few-20', 'real_few-20'),
  ):
    for cell in CELLS:
      own = (folder / cell / f'rows/{ours}.json').read_text()
      assert own == (start / f'{theirs}.json').read_text(), (cell, ours)
  out = swept[3][1]
  assert 'measuring adversarial' in out and 'measuring pretrain' not in out


def test_joint_training_equals_separate_training(swept, tmp_path):
  folder, alone = swept[0], tmp_path / 'fast'
  config = grids.configure(
    configs.load('moegan:small'),
    TINY
    | CELLS['fast']
    | {'num_seeds': 2, 'init_from': str(folder / 'starts/slow')},
  )
  assert captured(train_app.run, config, alone)[0] == 0
  for kind in ('last', 'best', 'phase'):
    (a, in_group), (b, by_itself) = (
      checkpoint(folder / 'fast', kind),
      checkpoint(alone, kind),
    )
    assert in_group.step == by_itself.step and a.keys() == b.keys()
    for path, x in a.items():
      np.testing.assert_allclose(x, b[path], rtol=1e-5, atol=1e-5, err_msg=path)
  other, _ = checkpoint(folder / 'slow')
  assert any((x != other[path]).any() for path, x in a.items())
  rows = {p.name: json.loads(p.read_text()) for p in alone.glob('rows/*')}
  assert {p.name for p in folder.glob('fast/rows/*')} == rows.keys()
  for name, row in rows.items():
    own = json.loads((folder / 'fast/rows' / name).read_text())
    for key, value in row.items():
      np.testing.assert_allclose(
        own[key], value, rtol=1e-4, atol=1e-4, err_msg=f'{name} {key}'
      )


def test_finished_sweep_trains_nothing(swept, monkeypatch):
  _, argv, *_ = swept

  def no(*_):
    raise AssertionError('a finished sweep was trained')

  monkeypatch.setattr(train_app, 'run', no)
  monkeypatch.setattr(joint_training, 'run', no)
  code, out, err = run(*argv)
  assert code == 0, err
  assert '2 of 2 cells' in out
  code, out, _ = run(*argv, '--list')
  assert code == 0 and out.count('has results') == 2 and 'MLE' not in out


def test_changed_cell_is_refused_and_its_key_named(swept, tmp_path):
  folder, argv, *_ = swept
  path = grid_file(tmp_path, {'slow': {'adversarial.d_lr': 0.5}, 'fast': {}})
  code, _, err = run(f'--grid={path}', argv[1])
  assert code == 2 and 'adversarial.d_lr' in err and str(folder) in err


@pytest.mark.parametrize(
  'change, rows',
  [
    ({}, 5),
    ({'eval.samples': 99}, 5),  # no row depends on it
    ({'eval.final_samples': 41}, 0),
    ({'eval.temperatures': (1.0,)}, 0),
    ({'num_seeds': 3}, 0),
  ],
)
def test_rows_are_reused_if_measured_with_equal_settings(swept, change, rows):
  given = {'num_seeds': 2, 'init_from': str(swept[0] / 'starts/slow')}
  config = grids.configure(configs.load('moegan:small'), TINY | given | change)
  corpus = data.load(config.data).corpus
  assert len(warm_start.known_rows(config, corpus)) == rows


@pytest.mark.slow
def test_diverged_cell_does_not_stop_other_cells(tmp_path):
  cells = {'good': {}, 'bad': {'adversarial.g_lr': 1e38}}
  argv = (
    f'--grid={grid_file(tmp_path, cells, seeds=1)}',
    f'--workdir={tmp_path / "toy"}',
  )
  code, out, err = run(*argv)
  assert code == 1, err
  assert 'bad has no result: phase adversarial' in out
  assert 'without results: bad' in out and '1 of 2 cells' in out
  assert (tmp_path / 'toy/good/results.json').is_file()
  assert run(*argv)[0] == 1


@pytest.mark.slow
def test_group_pretrains_without_a_shared_start(tmp_path):
  cells = {'a': {}, 'b': {'mle.lr': 1e-2, 'game.beta': 2.0}, 'c': {}}
  cells['c'] = {'fsa.weight': 0.0, 'ccl.weight': 1.0}
  path = grid_file(tmp_path, cells, seeds=1, share_start=False)
  code, _, err = run(f'--grid={path}', f'--workdir={tmp_path / "toy"}')
  assert code == 0, err
  assert not (tmp_path / 'toy/starts').exists()
  assert (tmp_path / 'toy/groups/a+b').is_dir()
  rows = [
    json.loads((tmp_path / f'toy/{c}/rows/start-{EPOCH}.json').read_text())
    for c in cells
  ]
  assert rows[0]['nll_train'] != rows[1]['nll_train']
  assert rows[0]['nll_train'] == pytest.approx(rows[2]['nll_train'], rel=1e-5)
