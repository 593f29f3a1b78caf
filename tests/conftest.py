"""Settings of the whole suite: strict numerics, the benchmark files."""

import os
import pathlib
import random

os.environ.setdefault('JAX_PLATFORMS', 'cpu')

import hypothesis
import jax
import pytest

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_debug_key_reuse', True)
# A busy machine is no bug, and the first example pays for imports.
hypothesis.settings.register_profile('suite', deadline=None)
hypothesis.settings.load_profile('suite')


@pytest.fixture(scope='module')
def quick_compilation():
  """Compiles with few optimizations: the tests compute little."""
  jax.config.update('jax_disable_most_optimizations', True)
  yield
  jax.config.update('jax_disable_most_optimizations', False)


@pytest.fixture(scope='module')
def no_key_checks():
  """Skips the check of key reuse, which is slow without compilation."""
  jax.config.update('jax_debug_key_reuse', False)
  yield
  jax.config.update('jax_debug_key_reuse', True)


@pytest.fixture(scope='session')
def benchmark_files() -> pathlib.Path:
  """The folder with Texygen's files, or a skip that says what is missing."""
  folder = os.environ.get('MOEGAN_DATA_DIR', '')
  path = pathlib.Path(folder)
  if not folder or not (path / 'image_coco.txt').is_file():
    pytest.skip('MOEGAN_DATA_DIR does not name a folder with image_coco.txt')
  return path


@pytest.fixture
def texts(tmp_path, monkeypatch):
  """A folder with samples.txt, references.txt and train.txt, 60 lines each."""
  from evaluating import WORDS, write

  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path / 'cache'))
  monkeypatch.chdir(tmp_path)
  rng = random.Random(0)
  for name in ('samples', 'references', 'train'):
    lines = [rng.choices(WORDS, k=rng.randint(2, 9)) for _ in range(60)]
    write(tmp_path / f'{name}.txt', map(' '.join, lines))
  return tmp_path
