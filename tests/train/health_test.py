"""Non-finite values: diverged seeds, rollbacks and warnings."""

import contextlib
import io
import json
import os
import shutil
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny
from command_line import captured
from trees import assert_identical, checkpoint

from moegan_jax import config, trained
from moegan_jax.experiment import train_app
from moegan_jax.report import table
from moegan_jax.store.checkpoint import Store
from moegan_jax.store.records import RecordWriter
from moegan_jax.train import health
from moegan_jax.train.loop import Report
from moegan_jax.types import Update

pytestmark = pytest.mark.usefixtures('own_cache', 'no_figures')

END, AT = 10, 6  # number of iterations; iteration of the fault
TINY = tiny.TEN_STEPS | {'num_seeds': 3}


def configured(**more):
  changes = {k.replace('__', '.'): v for k, v in more.items()}
  return config.override(config.load('mle:small'), TINY | changes)


def poisoned(monkeypatch, *, seed, what, when=lambda config: True):
  """Makes one seed's loss or parameters NaN at the iteration `AT`."""
  build = train_app.build
  victim = jax.vmap(jax.random.fold_in, (None, 0))(
    jax.random.key(0), jnp.arange(3)
  )[seed]

  def bad_build(config, corpus):
    system = build(config, corpus)
    if not when(config):
      return system
    # Systems split the key; the first part is the key of the run.
    first = jax.jit(system.init)(jax.random.clone(victim))
    key = jax.random.key_data(first.key)
    phase = system.phases['pretrain']

    def apply(state, batch, k):
      mine = (jax.random.key_data(state.key) == key).all()
      poison = jnp.where(mine & (state.step == AT), jnp.nan, 0.0)
      state, metrics = phase.update.apply(state, batch, k)
      if what == 'loss':
        return state, metrics | {'nll': metrics['nll'] + poison}
      players = jax.tree.map(
        lambda x: (
          x + poison.astype(x.dtype)
          if jnp.issubdtype(x.dtype, jnp.inexact)
          else x
        ),
        state.players,
      )
      return state.replace(players=players), metrics

    bad = phase._replace(update=Update(phase.update.batches, apply))
    return system._replace(phases={**system.phases, 'pretrain': bad})

  monkeypatch.setattr(train_app, 'build', bad_build)


def run(config, path):
  """Returns exit code, stdout and stderr of a run in this process."""
  return captured(train_app.run, config, path)


@pytest.mark.parametrize(
  'what', ['loss', pytest.param('state', marks=pytest.mark.slow)]
)
def test_diverged_seed_is_marked_and_other_seeds_continue(
  what, tmp_path, monkeypatch
):
  with monkeypatch.context() as patch:
    poisoned(patch, seed=1, what=what)
    code, out, err = run(configured(eval__curve_samples=20), tmp_path / 'run')
  assert code == 0, err
  name = {'loss': 'nll', 'state': 'state'}[what]
  said = f'phase pretrain, step {AT}, seed 1: {name} is not finite'
  assert out.count('is not finite') == 1 and said in out
  found, saved = checkpoint(tmp_path / 'run')
  assert saved.step == END and saved.meta == {'lost': [-1, AT, -1]}
  assert all(np.isfinite(x).all() for x in found.values())
  rows = json.loads((tmp_path / f'run/rows/start-{END}.json').read_text())
  for key, values in rows.items():
    assert [str(v) == 'nan' for v in values] == [False, True, False], key
  page = (tmp_path / 'run/results.md').read_text()
  assert f'seed 1 diverged at step {AT}' in page and 'nan' not in page
  records = RecordWriter(tmp_path / 'run').read()
  assert [r['lost'] for r in records if r['kind'] == 'event'] == [[-1, AT, -1]]
  last = [r['nll'] for r in records if r['kind'] == 'train'][-1]
  assert np.isnan(last).tolist() == [False, True, False]
  assert not (tmp_path / f'run/samples/pretrain-seed1-{END}.txt').exists()
  # The other seeds equal those of a clean run up to rounding. The diverged seed
  # has the parameters from before the fault.
  if what == 'state':
    code, _, err = run(configured(checkpoint__keep=END + 1), tmp_path / 'clean')
    assert code == 0, err
    clean, _ = checkpoint(tmp_path / 'clean')
    before, _ = checkpoint(tmp_path / 'clean', step=AT)
    for path, x in found.items():
      if x.shape[:1] == (3,):
        np.testing.assert_allclose(x[::2], clean[path][::2], rtol=1e-4)
        np.testing.assert_allclose(x[1], before[path][1], rtol=1e-4)
  with contextlib.redirect_stderr(io.StringIO()) as said:
    assert trained.load(tmp_path / 'run', seed_index=1).step == AT
  assert f'seed 1 diverged at step {AT}' in said.getvalue()


@pytest.mark.slow
def test_resumed_run_keeps_the_diverged_seeds(tmp_path, monkeypatch):
  poisoned(monkeypatch, seed=1, what='loss')
  assert run(configured(), tmp_path / 'unbroken')[0] == 0
  save = Store.save

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    if (kind, step) == ('last', AT + 2):
      os.kill(os.getpid(), signal.SIGTERM)

  with monkeypatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    # Every iteration is a chunk, so that this step is saved.
    assert run(configured(chunk_seconds=0.0), tmp_path / 'run')[0] == 130
  code, out, err = run(configured(), tmp_path / 'run')
  assert code == 0 and 'resumed at step' in out, err
  a, one = checkpoint(tmp_path / 'unbroken')
  b, two = checkpoint(tmp_path / 'run')
  assert one.meta == two.meta
  assert_identical(a, b)


@pytest.mark.slow
def test_all_seeds_lost_stops_with_the_last_good_state(tmp_path, monkeypatch):
  poisoned(monkeypatch, seed=0, what='state')
  code, _, err = run(configured(num_seeds=1), tmp_path / 'run')
  assert code == 1
  (line,) = err.splitlines()
  assert f'step {AT}, seed 0' in line and 'on_nan=rollback' in line
  found, saved = checkpoint(tmp_path / 'run')
  assert f'last-{saved.step}' in line and saved.step <= AT
  assert all(np.isfinite(x).all() for x in found.values())


def test_rollback_lowers_the_learning_rates_and_is_saved(tmp_path, monkeypatch):
  """All seeds are rolled back and none is marked as diverged."""
  high = configured().mle.lr
  poisoned(
    monkeypatch, seed=1, what='loss', when=lambda c: c.mle.lr > 0.3 * high
  )
  config = configured(num_seeds=2, on_nan='rollback')
  code, out, err = run(config, tmp_path / 'run')
  assert code == 0, err
  assert out.count('back to step') == 2
  assert 'learning rates times 0.25 (rollback 2 of at most 3)' in out
  _, saved = checkpoint(tmp_path / 'run')
  assert 'diverged' not in out
  assert saved.step == END and saved.meta == {'rollbacks': {'pretrain': 2}}
  events = [
    r for r in RecordWriter(tmp_path / 'run').read() if r['kind'] == 'event'
  ]
  assert [r['rollbacks'] for r in events] == [1, 2]
  # A resumed run continues at the lower rate.
  shutil.copytree(tmp_path / 'run', tmp_path / 'half')
  for path in (tmp_path / 'half').glob(f'*/*-{END}*'):
    shutil.rmtree(path) if path.is_dir() else path.unlink()
  code, out, err = run(config, tmp_path / 'half')
  assert code == 0 and 'resumed' in out and 'back to' not in out, err
  (a, _), (b, _) = checkpoint(tmp_path / 'run'), checkpoint(tmp_path / 'half')
  assert_identical(a, b)


@pytest.mark.slow
def test_rollbacks_are_limited(tmp_path, monkeypatch):
  poisoned(monkeypatch, seed=0, what='loss')
  config = configured(num_seeds=1, on_nan='rollback', max_rollbacks=2)
  code, out, err = run(config, tmp_path / 'run')
  assert code == 1 and 'nll is not finite' in err
  assert out.count('back to step') == 2


def report(**bad):
  return Report({}, {k: jnp.array(v) for k, v in bad.items()})


def test_first_fault_names_the_loss_before_gradients_and_state():
  watched = health.Health(3)
  found = watched.faults(
    report(state=[4, -1, 2], generator_grad_norm=[4, -1, 3], g_loss=[4, -1, 3])
  )
  assert found == [(2, 2, 'state'), (4, 0, 'g_loss')]
  watched.mark(found)
  assert watched.alive.tolist() == [False, True, False] and watched.first == 1
  assert watched.faults(report(g_loss=[5, 6, 7])) == [(6, 1, 'g_loss')]
  again = health.Health(3)
  again.restore(watched.meta)
  assert again.said(4) == 'seed 2 diverged at step 2'  # seed 0 was well then
  again.restore({})
  assert again.meta == {} and again.said(99) == ''


def test_table_averages_the_remaining_seeds():
  assert table.cell([1.0, float('nan'), 3.0]) == '2.000 ± 1.414'
  assert table.cell([1.0, float('nan')]) == '1.000'
  assert table.cell([float('nan')] * 2) == 'nan ± nan'


@pytest.mark.parametrize(
  'now, words',
  [
    ({'distinct_sentences': [0.8, 0.4]}, ['seed 1', 'distinct', '0.4', '0.9']),
    ({'distinct_sentences': [0.5, 0.5]}, []),
    ({'distinct_sentences': [float('nan'), 0.9]}, []),
    ({'top_sentence': [0.01, 0.3]}, ['seed 1', 'commonest', '0.3', '0.02']),
    ({'entropy': [2.0]}, ['entropy', '2.0', '6.0', 'game.beta', 'anchor']),
    ({'entropy': [4.0]}, []),
    ({'pads_after_end': [0.96, 0.8]}, ['seed 1', 'the end', 'mle.epochs']),
    ({'pads_after_end': [0.96, 0.95]}, []),
    ({'mean_length': [14.9, 15.1]}, ['seed 1', 'words', '15.1', '10.0']),
    ({'mean_length': [6.5, 10.0]}, ['seed 0', 'length of sentences']),
    ({'mean_length': [7.0, 15.0]}, []),
    ({}, []),
  ],
)
def test_warning_contains_its_numbers(now, words):
  before = {'distinct_sentences': [0.9, 0.9], 'top_sentence': [0.02, 0.02]}
  before |= {'entropy': [6.0, 6.0], 'pads_after_end': [1.0, 1.0]}
  before |= {'mean_length': [10.0, 10.0]}
  said = health.warnings(before, now)
  assert len(said) == bool(words) and '\n' not in ''.join(said)
  for word in words:
    assert word in said[0], word
