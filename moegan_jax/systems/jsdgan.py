"""JSDGAN: the Jensen-Shannon divergence of an explicit density, without D.

Source: Li et al. 2019. G has an explicit density p_G, so the optimal
discriminator p_data / (p_data + p_G) is known and there is none to train. G
minimises the Jensen-Shannon divergence. p_data is the empirical distribution of
the training text. There is no likelihood phase:

    repeat:
      g times:  G <- Adam step on a real batch

The gradient of the divergence is the sum over training sentences x of

    p_G(x) log(p_G(x) / (p_G(x) + p_data(x))) grad log p_G(x).

`jsd.normalise` selects what stands for p_G(x). By default the probabilities of
a batch are scaled to [0, 1], as in a well-known port; `none` is the formula.
"""

import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.self_weighted import NORMALISATIONS, self_weighted
from moegan_jax.systems import assembly, networks
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds JSDGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: latent noise or classes, an unknown normalisation, or a value out
      of range.
  """
  if config.jsd.normalise not in NORMALISATIONS:
    raise unknown('jsd.normalise', config.jsd.normalise, NORMALISATIONS)
  gen = networks.explicit_generator(config, spec)
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
