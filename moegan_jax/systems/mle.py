"""Maximum likelihood: the baseline of every language GAN."""

from moegan_jax.systems import assembly, likelihood, networks
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """A generator trained by teacher forcing.

  Raises:
    UserError: a value out of range.
  """
  gen = networks.generator(spec, **config.generator)
  pretrain, optimizer = likelihood.likelihood_phase(
    spec, gen, **config.mle, unroll=config.unroll
  )
  return assembly.system(
    spec,
    gen,
    players={'generator': (gen.init, optimizer)},
    phases={likelihood.PRETRAIN: pretrain},
    unroll=config.unroll,
  )
