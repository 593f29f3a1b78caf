"""The systems by name: one paper a file."""

from moegan_jax.errors import unknown
from moegan_jax.systems import (
  ccl,
  fmgan,
  gsgan,
  jsdgan,
  mle,
  moegan,
  relgan,
  slgan,
  textgan,
)
from moegan_jax.types import Spec, System

SYSTEMS = {
  'mle': mle.build,
  'moegan': moegan.build,
  'ccl': ccl.build,
  'relgan': relgan.build,
  'gsgan': gsgan.build,
  'slgan': slgan.build,
  'textgan': textgan.build,
  'fmgan': fmgan.build,
  'jsdgan': jsdgan.build,
}


def build(config, spec: Spec) -> System:
  """The system that `config.system` names, for a corpus of this spec.

  Raises:
    UserError: an unknown name, or settings that do not fit.
  """
  if config.system not in SYSTEMS:
    raise unknown('config.system', config.system, SYSTEMS)
  return SYSTEMS[config.system](config, spec)
