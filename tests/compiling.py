"""Settings of JAX for tests that compile much and compute little."""

import contextlib
import pathlib
import shutil

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from moegan_jax.data.codecs import cache_directory

# Compiled programs of all tests, kept between runs of the suite. JAX keys them
# by their content and by the version of the compiler.
PROGRAMS = cache_directory() / 'tests'
_LARGEST = 2 * 2**30  # bytes


def keep_programs() -> None:
  """Keeps every compiled program on disk for later runs of the suite."""
  jax.config.update('jax_compilation_cache_dir', str(PROGRAMS))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
  compilation_cache.reset_cache()


def prune() -> None:
  """Deletes the kept programs if they have become many."""
  files = PROGRAMS.glob('*')
  if sum(path.stat().st_size for path in files) > _LARGEST:
    shutil.rmtree(PROGRAMS)


@contextlib.contextmanager
def few_optimizations():
  """Compiles with few optimizations, because compilation takes most time."""
  before = jax.config.read('jax_disable_most_optimizations')
  jax.config.update('jax_disable_most_optimizations', True)
  try:
    yield
  finally:
    jax.config.update('jax_disable_most_optimizations', before)


@contextlib.contextmanager
def cache_in(folder):
  """Caches tokens in a folder, and compiled programs with those of the suite.

  Args:
    folder: the folder, where programs find the compiled ones by a link
  """
  PROGRAMS.mkdir(parents=True, exist_ok=True)
  pathlib.Path(folder, 'xla').symlink_to(PROGRAMS, target_is_directory=True)
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('MOEGAN_CACHE_DIR', str(folder))
    yield
  keep_programs()
