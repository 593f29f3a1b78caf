"""Compiled programs, kept between runs."""

import os

import jax
from jax.experimental.compilation_cache import compilation_cache

from moegan_jax.data.codecs import cache_directory


def use_cache() -> None:
  """Keeps what is compiled in the cache, where a folder can be had.

  For programs of ours: it changes JAX's configuration.
  """
  folder = cache_directory() / 'xla'
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError:
    return
  if os.access(folder, os.W_OK):
    if jax.config.jax_compilation_cache_dir != str(folder):
      compilation_cache.reset_cache()  # it may hold on to another folder
    jax.config.update('jax_compilation_cache_dir', str(folder))
    # There are many programs of less than the second that is JAX's limit.
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
