"""Keeps compiled programs between runs."""

import os

import jax
from jax.experimental.compilation_cache import compilation_cache

from moegan_jax.data.codecs import cache_directory


def use_cache() -> None:
  """Activates JAX's compilation cache if its folder can be written.

  It changes the configuration of JAX, so only programs call it and not
  libraries.
  """
  folder = cache_directory() / 'xla'
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError:
    return
  if os.access(folder, os.W_OK):
    current = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if current != str(folder):
      # JAX opens the folder once and ignores later changes without a reset.
      compilation_cache.reset_cache()
    jax.config.update('jax_compilation_cache_dir', str(folder))
    # By default JAX does not keep programs that compile in less than a second.
    # There are many of them.
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
