"""SLGAN: a sequence generator as discriminator, and no reward.

G is a language model. The discriminator G_d maps a sentence to a distribution
over tokens at every position. x is real text, x~ the same text with random
words hidden, and y a sample of G:

    repeat:
      G_d <- Adam step that minimises  w_d Sim_s - Sim_d       (Eq 1)
        Sim_s: cross-entropy of G_d(x~) and x                  (Eq 3)
        Sim_d: KL(G_d(x) || G_d(y)), clipped at the margin     (Eq 2)
      g times:  G <- Adam step that minimises  NLL + lambda L_adv  (Eq 4)
        NLL:   negative log-likelihood of x                    (Eq 5)
        L_adv: KL(G_d(y) || G(y)), with G_d frozen             (Eq 6)

No gradient flows through the samples. G_d and the first step of G use the same
batch. An epoch is one pass of G over the training text, and G_d sees one of g
batches.

All terms are means over positions and sentences here. The paper sums the
likelihood over positions and does not state the reduction of the other terms.
`slgan.weight=1/T` gives the ratio of a summed likelihood to a mean L_adv.
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
  """Builds SLGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: latent noise or classes, an unknown direction, or a value out of
      range.
  """
  settings = config.slgan
  directions = ('forward', 'reverse')
  if settings.direction not in directions:
    raise unknown('slgan.direction', settings.direction, directions)
  if not 0 <= settings.noise < 1:
    raise UserError(f'slgan.noise={settings.noise} must be in [0, 1)')
  if settings.horizon < 1:
    raise UserError(f'slgan.horizon={settings.horizon} must be at least 1')
  gen = networks.explicit_generator(config, spec)
  disc = seq2seq(
    vocab_size=spec.vocab_size,
    embed_dim=config.discriminator.embed,
    width=config.discriminator.hidden,
    init=initializers(config.discriminator.init),
  )
  train = assembly.training(config, spec, gen)
  start, unroll = train.pretrain.steps, config.unroll

  def per_epoch():
    """Returns the iterations of an epoch; see `Phase.epochs`."""
    needed = config.adversarial.batch * update.batches
    return max(1, spec.train_size // needed)

  def epoch(state):
    return (state.step - start) // per_epoch()

  def samples_of(state, key, n):
    """Draws n samples int32 [n, T] from G, without a gradient."""
    params = state.players['generator'].params
    rows = random.row_keys(key, n)
    return decode.sample(
      gen, params, rows, length=spec.length, unroll=unroll
    ).tokens

  def d_loss(phi, state, batch, key):
    k_noise, k_fake = jax.random.split(key)
    noisy = corrupt(batch.tokens, k_noise, settings.noise, disc.unknown)
    fake = samples_of(state, k_fake, batch.tokens.shape[0])
    sim_s = reconstruction(disc.rewrite(phi, noisy).logits, batch.tokens)
    sim_d = sequence_contrast(
      disc.rewrite(phi, batch.tokens).logits,
      disc.rewrite(phi, fake).logits,
      settings.margin,
    )
    weight = jnp.maximum(settings.floor, 1 - settings.decay * epoch(state))
    value = weight * sim_s - sim_d
    return value, {'d_loss': value, 'd_same': sim_s, 'd_apart': sim_d}

  def g_loss(params, state, batch, key):
    # `adversarial.anchor` folds a number into the key, and so does each row.
    k_fake, _ = jax.random.split(key)
    fake = samples_of(state, k_fake, batch.tokens.shape[0])
    real_logits = decode.teacher_force(gen, params, batch.tokens, unroll=unroll)
    fake_logits = decode.teacher_force(gen, params, fake, unroll=unroll)
    phi = state.players['discriminator'].params
    nll = negative_log_likelihood(real_logits, batch.tokens)
    target = disc.rewrite(phi, fake).logits
    l_adv = towards(target, fake_logits, settings.direction)
    # lambda grows linearly from 0 and changes once per epoch.
    progress = epoch(state) * per_epoch() / settings.horizon
    weight = settings.weight * jnp.minimum(1, progress)
    return nll + weight * l_adv, {'nll': nll, 'g_towards': l_adv}

  def critique(phi, tokens):
    """Returns the mean log-likelihood of a sentence x under G_d(x)."""
    rewritten = disc.rewrite(phi, tokens)
    logits = log_likelihood(rewritten.logits, tokens).mean(1)
    return Critique(logits, rewritten.features)

  updates = {
    'discriminator': gradient_update('discriminator', train.d_adam, d_loss),
    'generator': train.generator_updates(g_loss),
  }
  update = together(*updates.values(), same_key=False)
  return train.system(
    update,
    players={'discriminator': (disc.init, train.d_adam)},
    critique=critique,
    epochs=True,
    parts=updates,
  )
