"""Builds systems by name. Each file is the system of one paper."""

from collections.abc import Callable

from moegan_jax.errors import unknown
from moegan_jax.ops.precision import PRECISIONS
from moegan_jax.systems import (
  catgan,
  ccl,
  coldgan,
  cot,
  dgsan,
  dpgan,
  fmgan,
  gsgan,
  jsdgan,
  leakgan,
  maligan,
  maskgan,
  mle,
  moegan,
  rankgan,
  relgan,
  sal,
  scratchgan,
  sentigan,
  seqgan,
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
  'catgan': catgan.build,
  'jsdgan': jsdgan.build,
  'seqgan': seqgan.build,
  'maligan': maligan.build,
  'maskgan': maskgan.build,
  'rankgan': rankgan.build,
  'sal': sal.build,
  'sentigan': sentigan.build,
  'scratchgan': scratchgan.build,
  'coldgan': coldgan.build,
  'leakgan': leakgan.build,
  'cot': cot.build,
  'dpgan': dpgan.build,
  'dgsan': dgsan.build,
}


def build(config, spec: Spec) -> System:
  """Builds the system that `config.system` names.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Returns:
    The System. Its updates compute matrix products at `config.precision`; its
    functions for sampling and evaluation do not.

  Raises:
    UserError: an unknown name, or a value out of range.
  """
  if config.system not in SYSTEMS:
    raise unknown('system', config.system, SYSTEMS)
  if config.precision not in PRECISIONS:
    raise unknown('precision', config.precision, PRECISIONS)
  system = SYSTEMS[config.system](config, spec)
  return _with_products(system, PRECISIONS[config.precision])


def _with_products(
  system: System, precision: Callable[[Callable], Callable]
) -> System:
  """Applies a precision to all updates of a system, but not to its measures."""

  def convert_update(update: Update) -> Update:
    return update._replace(apply=precision(update.apply))

  def convert_phase(phase: Phase) -> Phase:
    parts = phase.parts and {
      name: convert_update(part) for name, part in phase.parts.items()
    }
    return phase._replace(update=convert_update(phase.update), parts=parts)

  return system._replace(
    phases={name: convert_phase(p) for name, p in system.phases.items()}
  )
