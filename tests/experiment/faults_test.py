"""Runs with a full disk, a deleted folder, an odd clock or little memory."""

import resource
import shutil
import time

import jax
import pytest
import tiny
from command_line import call
from trees import assert_same_checkpoint, checkpoint

from moegan_jax import config
from moegan_jax.cli import train
from moegan_jax.experiment import compilation, train_app
from moegan_jax.store.checkpoint import Store
from moegan_jax.store.records import RecordWriter
from moegan_jax.store.workdir import Workdir

pytestmark = pytest.mark.usefixtures('own_cache', 'no_figures')

END, AT = 10, 6  # number of iterations; iteration of the fault
CONFIG = config.override(
  config.load('mle:small'),
  tiny.TEN_STEPS | {'chunk_seconds': 0.0},  # every iteration is a chunk
)


def run(path, monkeypatch):
  """Returns exit code, stdout and stderr of `train` with CONFIG."""
  with monkeypatch.context() as patch:
    patch.setattr(train, 'configuration', lambda text, flags: CONFIG)
    return call(train, '--config=mle', f'--workdir={path}')


@pytest.fixture(scope='module')
def unbroken(tmp_path_factory):
  """Returns the folder of a run whose clock goes backwards."""
  path = tmp_path_factory.mktemp('runs') / 'unbroken'
  start = time.time()
  ticks = iter(range(1_000_000))
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(time, 'time', lambda: start - 5.0 * next(ticks))
    code, _, err = run(path, patch)
  assert code == 0, err
  return path


def at_save(monkeypatch, step, action):
  """Calls a function just before the checkpoint of a step is written."""
  save = Store.save

  def save_after(self, kind, at, *args, **more):
    if (kind, at) == ('last', step):
      action()
    save(self, kind, at, *args, **more)

  monkeypatch.setattr(Store, 'save', save_after)


def test_backward_clock_does_not_reorder_records(unbroken):
  records = RecordWriter(unbroken).read()
  steps = [record['step'] for record in records]
  assert steps == sorted(steps) and steps[-1] == END
  times = [record['time'] for record in records]
  assert times == sorted(times, reverse=True) and times[0] > times[-1]
  assert checkpoint(unbroken)[1].step == END


def test_run_resumes_after_a_full_disk(unbroken, tmp_path, monkeypatch):
  path, limits = tmp_path / 'run', resource.getrlimit(resource.RLIMIT_FSIZE)

  def fill():
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))

  try:
    with monkeypatch.context() as patch:
      at_save(patch, AT, fill)
      code, _, err = run(path, patch)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
  assert code == 2
  (line,) = err.splitlines()
  assert f'cannot save checkpoint last-{AT}' in line and str(path) in line
  assert Store(path / 'checkpoints').steps('last')[-1] == AT - 1
  code, out, err = run(path, monkeypatch)
  assert code == 0 and f'resumed at step {AT - 1}' in out, err
  assert_same_checkpoint(path, unbroken)


def test_deleted_workdir_is_not_recreated(tmp_path, monkeypatch):
  path = tmp_path / 'run'
  at_save(monkeypatch, AT, lambda: shutil.rmtree(path))
  code, _, err = run(path, monkeypatch)
  assert code == 2
  (line,) = err.splitlines()
  assert str(path) in line and 'No such file' in line
  assert not path.exists(), 'the folder was created again'


def test_unwritable_cache_is_ignored_in_silence(tmp_path, monkeypatch):
  (tmp_path / 'file').write_text('')
  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path / 'file' / 'cache'))
  compilation.use_cache()  # neither fails nor prints
  from moegan_jax.data.codecs import CODECS, tokenise

  assert tokenise(['a dog .'], CODECS['word']) == [['a', 'dog', '.']]


def test_second_run_in_a_workdir_is_refused(unbroken, monkeypatch):
  first = Workdir(unbroken)
  first.lock()
  try:
    code, _, err = run(unbroken, monkeypatch)
  finally:
    first.unlock()
  assert code == 2 and err.count('\n') == 1
  assert 'another run' in err and str(unbroken) in err


def test_out_of_memory_is_reported_in_one_line(tmp_path, monkeypatch):
  def refuse(*_):
    raise jax.errors.JaxRuntimeError(
      'RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes.\nmore lines'
    )

  monkeypatch.setattr(train_app, 'prepare', refuse)
  code, _, err = run(tmp_path / 'run', monkeypatch)
  assert code == 2 and err.count('\n') == 1
  assert 'not enough memory' in err and 'batch' in err
