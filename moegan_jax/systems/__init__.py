"""The systems by name, one paper per file."""

from collections.abc import Callable

from moegan_jax.errors import unknown
from moegan_jax.ops.precision import PRECISIONS
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
from moegan_jax.types import Phase, Spec, System, Update

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
    UserError: an unknown name, or a value out of range.
  """
  if config.system not in SYSTEMS:
    raise unknown('config.system', config.system, SYSTEMS)
  if config.precision not in PRECISIONS:
    raise unknown('config.precision', config.precision, PRECISIONS)
  system = SYSTEMS[config.system](config, spec)
  return _with_products(system, PRECISIONS[config.precision])


def _with_products(
  system: System, precision: Callable[[Callable], Callable]
) -> System:
  """The system with all its updates at a precision; measures keep theirs."""

  def update(made: Update) -> Update:
    return made._replace(apply=precision(made.apply))

  def phase(made: Phase) -> Phase:
    parts = made.parts and {k: update(v) for k, v in made.parts.items()}
    return made._replace(update=update(made.update), parts=parts)

  return system._replace(
    phases={name: phase(made) for name, made in system.phases.items()}
  )
