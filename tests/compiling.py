"""Settings of JAX for tests that compile much and compute little."""

import contextlib

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache


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
  """Caches tokens and compiled programs in a folder.

  Programs that compile in 0.1 s are cached, too.
  """
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('MOEGAN_CACHE_DIR', str(folder))
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
    yield
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 1.0)
  jax.config.update('jax_compilation_cache_dir', None)
  compilation_cache.reset_cache()
