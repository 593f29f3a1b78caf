"""Composes, loads and changes configurations, the settings of a run.

No file here imports JAX. Importing it takes seconds, which would delay the
report of a wrong flag.
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
from moegan_jax.config.players import seqgan_filters, seqgan_players
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
  'seqgan_filters',
  'seqgan_players',
]
