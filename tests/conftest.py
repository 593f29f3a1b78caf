"""Settings and fixtures of the whole suite."""

import os
import pathlib

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
# The folder of XLA's own caches is part of the key of a compiled program. Tests
# reach the programs through folders of their own, and would never find one.
os.environ['JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES'] = 'none'

import hypothesis
import jax
import pytest
from command_line import ROOT
from compiling import cache_in, few_optimizations, keep_programs, prune

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_debug_key_reuse', True)
# The first example includes imports, and other programs may share the CPU.
hypothesis.settings.register_profile('suite', deadline=None)
hypothesis.settings.load_profile('suite')
keep_programs()


def pytest_configure(config):
  if not hasattr(config, 'workerinput'):  # not in a worker of pytest-xdist
    prune()


def pytest_collection_modifyitems(items):
  """Puts the file first that makes a run which other files share.

  A second worker would otherwise wait for that run.
  """
  items.sort(key=lambda item: item.path.name != 'export_test.py')


@pytest.fixture(scope='module')
def quick_compilation():
  """Compiles with few optimizations."""
  with few_optimizations():
    yield


@pytest.fixture(scope='module')
def own_cache(tmp_path_factory, quick_compilation):
  """Returns the folder of a cache without tokens; see `cache_in`."""
  cache = tmp_path_factory.mktemp('cache')
  with cache_in(cache):
    yield cache


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
  """Returns the folder of an empty cache, which does not exist yet."""
  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path / 'cache'))
  return tmp_path / 'cache'


@pytest.fixture(scope='module')
def in_root():
  """Changes the working directory to the checkout."""
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(ROOT)
    yield


@pytest.fixture(scope='module')
def kept_programs():
  """Keeps compiled programs in memory where a program would drop them."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(jax, 'clear_caches', lambda: None)
    yield


@pytest.fixture(scope='module')
def no_figures():
  """Leaves out the HTML page of a run, which takes seconds to draw."""
  from moegan_jax.report import html

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(html, 'write', lambda folder: None)
    yield


@pytest.fixture(scope='module')
def no_drawings():
  """Leaves the figures of HTML pages empty, because drawing takes seconds."""
  from moegan_jax.report import style

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(style, 'png', lambda figure: b'')
    patch.setattr(style, 'svg', lambda figure, name: '')
    yield


@pytest.fixture(scope='module')
def no_key_checks():
  """Turns off the check of key reuse, which is slow without compilation."""
  jax.config.update('jax_debug_key_reuse', False)
  yield
  jax.config.update('jax_debug_key_reuse', True)


@pytest.fixture(scope='session')
def benchmark_files() -> pathlib.Path:
  """Returns the folder with Texygen's files; skips the test without it."""
  folder = os.environ.get('MOEGAN_DATA_DIR', '')
  path = pathlib.Path(folder)
  if not folder or not (path / 'image_coco.txt').is_file():
    pytest.skip('MOEGAN_DATA_DIR does not name a folder with image_coco.txt')
  return path
