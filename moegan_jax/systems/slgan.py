"""SLGAN: the discriminator is a sequence generator, and there is no reward.

G is a language model. The discriminator G_d reads a sentence and outputs a
distribution over tokens at every position: it learns to reconstruct real text
and to change generated text. G is trained by likelihood and towards the output
of G_d for its samples; no gradient passes through the samples.

Numbers in comments are the paper's equations. All are means over positions and
sentences here. The paper sums the likelihood over positions and does not say
how the others are reduced: `slgan.weight=1/T` is that reading. An iteration is
an update of G_d and one of G on the same batch, so an epoch is a pass of both
over the training text.
"""

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.likelihood import log_likelihood, negative_log_likelihood
from moegan_jax.losses.sequence_contrast import (
  corrupt,
  reconstruction,
  sequence_contrast,
  towards,
)
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.seq2seq import seq2seq
from moegan_jax.ops import random
from moegan_jax.systems import assembly, networks
from moegan_jax.types import Critique, Spec, System
from moegan_jax.updates import gradient_update, together


def build(config, spec: Spec) -> System:
  """SLGAN from the sections of a configuration.

  Raises:
    UserError: an unknown direction, or a noise rate or horizon out of range.
  """
  run, rules = config.adversarial, config.slgan
  if rules.direction not in ('forward', 'reverse'):
    raise unknown('slgan.direction', rules.direction, ('forward', 'reverse'))
  if not 0 <= rules.noise < 1:
    raise UserError(f'slgan.noise={rules.noise} must be in [0, 1)')
  if rules.horizon < 1:
    raise UserError(f'slgan.horizon={rules.horizon} must be at least 1')
  if config.generator.latent:
    raise UserError(
      'system=slgan needs an exact log p(x); set generator.latent=0'
    )
  gen = networks.generator(spec, **config.generator)
  disc = seq2seq(
    vocab_size=spec.vocab_size,
    embed_dim=config.discriminator.embed,
    width=config.discriminator.hidden,
    init=initializers(config.discriminator.init),
  )
  train = assembly.training(config, spec, gen)
  per_epoch = max(1, spec.train_size // run.batch)
  start, unroll = train.pretrain.steps, config.unroll

  def epoch(state):
    return (state.step - start) // per_epoch

  def samples_of(state, key, n):
    """Tokens sampled from G, without a gradient."""
    params = state.players['generator'].params
    rows = random.row_keys(key, n)
    return decode.sample(
      gen, params, rows, length=spec.length, unroll=unroll
    ).tokens

  def d_loss(phi, state, batch, key):
    k_noise, k_fake = jax.random.split(key)
    noisy = corrupt(batch.tokens, k_noise, rules.noise, disc.unknown)
    fake = samples_of(state, k_fake, batch.tokens.shape[0])
    same = reconstruction(disc.rewrite(phi, noisy).logits, batch.tokens)  # 3
    apart = sequence_contrast(  # 2
      disc.rewrite(phi, batch.tokens).logits,
      disc.rewrite(phi, fake).logits,
      rules.margin,
    )
    weight = jnp.maximum(rules.floor, 1 - rules.decay * epoch(state))
    value = weight * same - apart  # 1
    return value, {'d_loss': value, 'd_same': same, 'd_apart': apart}

  def g_loss(params, state, batch, key):
    fake = samples_of(state, key, batch.tokens.shape[0])
    real_logits = decode.teacher_force(gen, params, batch.tokens, unroll=unroll)
    fake_logits = decode.teacher_force(gen, params, fake, unroll=unroll)
    phi = state.players['discriminator'].params
    nll = negative_log_likelihood(real_logits, batch.tokens)  # 5
    target = disc.rewrite(phi, fake).logits
    move = towards(target, fake_logits, rules.direction)  # 6
    # lambda grows linearly from 0, epoch by epoch.
    grown = epoch(state) * per_epoch / rules.horizon
    weight = rules.weight * jnp.minimum(1, grown)
    return nll + weight * move, {'nll': nll, 'g_towards': move}  # 4

  def critique(phi, tokens):
    """Mean log-likelihood of a sentence under G_d's own output for it."""
    made = disc.rewrite(phi, tokens)
    return Critique(log_likelihood(made.logits, tokens).mean(1), made.features)

  updates = {
    'discriminator': gradient_update('discriminator', train.d_adam, d_loss),
    'generator': train.generator_updates(g_loss),
  }
  return train.system(
    together(*updates.values(), same_key=False),
    players={'discriminator': (disc.init, train.d_adam)},
    critique=critique,
    epochs=True,
    parts=updates,
  )
