"""The systems by name: one paper a file."""

import difflib

from moegan_jax.errors import UserError
from moegan_jax.systems import ccl, mle, moegan
from moegan_jax.systems.parts import Spec
from moegan_jax.types import System

SYSTEMS = {'mle': mle.build, 'moegan': moegan.build, 'ccl': ccl.build}


def build(config, spec: Spec) -> System:
  """The system that `config.system` names, for a corpus of this spec.

  Raises:
    UserError: an unknown name, or settings that do not fit.
  """
  if config.system not in SYSTEMS:
    near = difflib.get_close_matches(config.system, SYSTEMS, 1)
    hint = f'did you mean {near[0]!r}? ' if near else ''
    raise UserError(
      f'config.system={config.system!r} is unknown; {hint}one of '
      + ', '.join(SYSTEMS)
    )
  return SYSTEMS[config.system](config, spec)
