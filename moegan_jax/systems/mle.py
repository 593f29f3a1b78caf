"""Maximum likelihood: the baseline of every language GAN."""

from moegan_jax.systems import networks, parts
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """A generator trained by teacher forcing, and nothing else."""
  gen = networks.generator(spec, **config.generator)
  pretrain, optimizer = parts.pretraining(
    spec, gen, **config.mle, unroll=config.game.unroll
  )
  return parts.system(
    spec,
    gen,
    players={'generator': (gen.init, optimizer)},
    phases={'pretrain': pretrain},
    unroll=config.game.unroll,
    draws=config.eval.draws,
  )
