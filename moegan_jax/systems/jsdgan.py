"""JSDGAN: the Jensen-Shannon divergence of an explicit density, without D.

Li et al. 2019. The density p_G is explicit, so the optimal discriminator is
known: p_data / (p_data + p_G). With the empirical distribution of the training
text as p_data, the gradient is a sum over training sentences x,
p_G(x) log(p_G(x) / (p_G(x) + p_data(x))) grad log p_G(x).
"""

import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.self_weighted import NORMALISATIONS, self_weighted
from moegan_jax.systems import assembly, networks
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """JSDGAN from the sections of a configuration.

  Raises:
    UserError: latent noise, or an unknown normalisation.
  """
  if config.jsd.normalise not in NORMALISATIONS:
    raise unknown('jsd.normalise', config.jsd.normalise, NORMALISATIONS)
  if config.generator.latent:
    raise UserError(
      'system=jsdgan needs an exact log p(x); set generator.latent=0'
    )
  gen = networks.generator(spec, **config.generator)
  train = assembly.training(config, spec, gen)

  def loss(params, state, batch, key):
    del state, key
    logits = decode.teacher_force(
      gen, params, batch.tokens, unroll=config.unroll
    )
    log_probs = jnp.sum(log_likelihood(logits, batch.tokens), axis=1)
    value = self_weighted(log_probs, spec.train_size, config.jsd.normalise)
    return value, {'g_loss': value, 'nll': -log_probs.mean() / spec.length}

  return train.system(train.generator_updates(loss), epochs=True)
