"""Files, runs and exports for the tests of the command line."""

import random
import shutil

import pytest
import textgan_run
from compiling import cache_in, few_optimizations
from evaluating import WORDS, write

from moegan_jax import trained
from moegan_jax.experiment.run import Run


@pytest.fixture
def texts(tmp_path, monkeypatch, empty_cache):
  """Returns a folder with samples, references and training text.

  The files samples.txt, references.txt and train.txt have 60 lines each.
  """
  monkeypatch.chdir(tmp_path)
  rng = random.Random(0)
  for name in ('samples', 'references', 'train'):
    lines = [rng.choices(WORDS, k=rng.randint(2, 9)) for _ in range(60)]
    write(tmp_path / f'{name}.txt', map(' '.join, lines))
  return tmp_path


@pytest.fixture(scope='session')
def textgan_folder(tmp_path_factory):
  """Returns a folder with a run and the export of its second seed.

  They are made once for all workers. No test may change them.
  """
  cache = tmp_path_factory.mktemp('cache')
  with textgan_run.shared(tmp_path_factory) as folder:
    if not (folder / 'generator').exists():
      with few_optimizations(), cache_in(cache):
        textgan_run.make(folder)
  return folder


@pytest.fixture(scope='session')
def run_folder(textgan_folder):
  """Returns the folder of the run."""
  return textgan_folder / 'run'


@pytest.fixture(scope='session')
def exported_folder(textgan_folder):
  """Returns the folder of the export."""
  return textgan_folder / 'generator'


@pytest.fixture(scope='session')
def loaded(run_folder):
  """Returns the second seed of the run."""
  return trained.load(run_folder, seed_index=1, chunk=textgan_run.BATCH)


@pytest.fixture
def copies(textgan_folder, tmp_path):
  """Returns a folder with copies of the run and the export."""
  for name in ('run', 'generator'):
    shutil.copytree(textgan_folder / name, tmp_path / name)
  return tmp_path


@pytest.fixture
def no_training(monkeypatch):
  """Fails at once instead of training if bad input is accepted."""

  def no(self):
    raise AssertionError('bad input was accepted')

  monkeypatch.setattr(Run, 'execute', no)
