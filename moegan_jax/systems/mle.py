"""Maximum likelihood: the baseline of every language GAN.

G minimises the negative log-likelihood of real text under teacher forcing.
"""

from moegan_jax.systems import assembly, likelihood, networks
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds a generator trained by maximum likelihood from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

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
