"""Configurations: the settings of a run, composed from sections.

No file here imports JAX, so that a wrong flag is reported at once.
"""

from moegan_jax.config.compose import (
  Text,
  as_system,
  check_keys,
  compose,
  is_selector,
  keys,
  override,
  select,
)
from moegan_jax.config.files import load
from moegan_jax.config.scales import experiment, scale_steps

__all__ = [
  'Text',
  'as_system',
  'check_keys',
  'compose',
  'experiment',
  'is_selector',
  'keys',
  'load',
  'override',
  'scale_steps',
  'select',
]
