"""Runs of a registered system with four phases and a memory."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
import toy_system
from toy_system import RING, settings
from trees import assert_identical, checkpoint, records, timeless_records

from moegan_jax.experiment import train_app
from moegan_jax.store.checkpoint import Store

pytestmark = pytest.mark.usefixtures(
  'own_cache', 'no_drawings', 'no_key_checks', 'registered'
)
TESTS = pathlib.Path(__file__).resolve().parents[1]
WARM, JUDGE, DUEL, POLISH = 6, 5, 7, 4
END = WARM + JUDGE + DUEL + POLISH


@pytest.fixture(scope='module')
def registered():
  toy_system.register()
  yield
  toy_system.unregister()


@pytest.fixture(scope='module')
def unbroken(
  tmp_path_factory, own_cache, no_drawings, no_key_checks, registered
):
  """Returns the folder of a finished run with few long chunks."""
  folder = tmp_path_factory.mktemp('runs') / 'unbroken'
  c = settings(chunk_seconds=5.0, checkpoint__every=60.0)
  assert train_app.run(c, folder) == 0
  return folder


def arrays(folder):
  """Returns path -> array of the last checkpoint of a finished run."""
  found, saved = checkpoint(folder)
  assert saved.step == END
  return found


def test_four_phases_are_measured_and_reported(unbroken):
  results = json.loads((unbroken / 'results.json').read_text())
  stages = results['stages']
  assert [(k, s['name'], s['role'], s['end']) for k, s in stages.items()] == [
    ('start', 'warm', 'likelihood', WARM),
    ('duel', 'duel', 'adversarial', WARM + JUDGE + DUEL),
    ('last', 'polish', 'likelihood', END),
  ]
  rows = {row['key']: row['label'] for row in results['rows']}
  assert rows['start'] == 'MLE' and rows['duel'] == 'duel'
  assert rows['last'] == 'toy, last' and 'start_tempered' in rows
  curves = json.loads((unbroken / 'curves.json').read_text())['curves']
  assert set(curves) == {'start', 'duel', 'last'}
  table = (unbroken / 'results.md').read_text()
  page = (unbroken / 'report.html').read_text()
  for label in ('MLE', 'duel', 'toy, last'):
    assert label in table and label in page
  assert '6 MLE + 5 judging + 7 duel + 4 polished' in page
  phases = {r['phase'] for r in records(unbroken) if r['kind'] == 'train'}
  assert phases == {'warm', 'judge', 'duel', 'polish'}
  evaluated = {r['phase'] for r in records(unbroken) if r['kind'] == 'eval'}
  assert evaluated == {'warm', 'duel', 'polish'}


def test_records_are_written_every_two_iterations_and_at_phase_ends(unbroken):
  steps = [r['step'] for r in records(unbroken) if r['kind'] == 'train']
  starts = np.cumsum([0, WARM, JUDGE, DUEL])
  expected = []
  for start, count in zip(starts, (WARM, JUDGE, DUEL, POLISH)):
    inside = [*range(2, count, 2), count]
    expected += [int(start) + i for i in inside]
  assert steps == expected


@pytest.mark.slow
def test_run_interrupted_in_each_phase_is_identical_to_unbroken_run(
  unbroken, tmp_path, monkeypatch
):
  folder, stops = tmp_path / 'run', [3, WARM + 3, WARM + JUDGE + 5, END - 1]
  save = Store.save

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    if kind == 'last' and stops and step == stops[0]:
      stops.pop(0)
      os.kill(os.getpid(), signal.SIGTERM)

  with monkeypatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    codes = [train_app.run(settings(), folder) for _ in range(5)]
  assert codes == [130, 130, 130, 130, 0] and not stops
  ours = arrays(folder)
  assert any('average' in path for path in ours)
  assert_identical(ours, arrays(unbroken))
  assert timeless_records(folder) == timeless_records(unbroken)


def test_memory_contains_ring_and_averaged_parameters(unbroken):
  found = arrays(unbroken)
  (ring,) = (x for path, x in found.items() if 'ring' in path)
  assert ring.shape[:2] == (2, RING) and (ring >= 0).all()
  assert (ring[0] != ring[1]).any()  # each seed has its own memory
  average = "['memory']['average']"
  params = "['players']['generator']['params']"
  moved = [
    abs(x - found[path.replace(average, params)]).max()
    for path, x in found.items()
    if average in path
  ]
  assert moved and 0 < max(moved) < 1  # the average lags behind the parameters


@pytest.mark.slow
def test_memory_is_sharded_over_devices(unbroken, tmp_path):
  flags = '--xla_force_host_platform_device_count=2'
  done = subprocess.run(
    [sys.executable, TESTS / 'toy_system.py', tmp_path / 'run', '2'],
    cwd=TESTS.parent,
    env=os.environ
    | {
      'XLA_FLAGS': flags,
      'JAX_PLATFORMS': 'cpu',
      'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
      'PYTHONPATH': f'{TESTS.parent}{os.pathsep}{TESTS}',
    },
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert '2 along the batch' in done.stdout
  ours, theirs = arrays(tmp_path / 'run'), arrays(unbroken)
  for path, x in ours.items():
    if 'ring' in path:
      np.testing.assert_array_equal(x, theirs[path], err_msg=path)
    elif 'average' in path:
      np.testing.assert_allclose(x, theirs[path], atol=1e-4, err_msg=path)
