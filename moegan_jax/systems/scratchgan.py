"""ScratchGAN: a language GAN without pre-training, with a reward per token.

Source: Masson d'Autume et al., "Training language GANs from Scratch" (NeurIPS
2019).

G is an LSTM whose readout shares the embedding. It samples y_1 ... y_T. D is an
LSTM with layer norm, which reads the embedding and sine waves of the position,
and gives the probability D_t that the first t tokens are real text. The reward
of a token is the discounted sum of the verdicts from there on:

    r_t = 2 D_t - 1
    R_t = sum over s >= t of discount^(s - t) r_s

A baseline b follows the mean of R. D has an L2 penalty on all its parameters
phi, and dropout on its embedding in its own steps:

    b   <- decay b + (1 - decay) mean R
    L_G = -mean (R_t - b) log G(y_t | y_<t)
    L_D = -1/2 mean log D_t(x) - 1/2 mean log(1 - D_t(y)) + l2/2 |phi|^2

The means are over B sequences and T positions. After the end of a text the
logit of D is 0, so the reward is 0 there, and G has no loss.

Algorithm:

    repeat:
      d times:  real text x, samples y ~ G; D <- Adam step on L_D
      g times:  samples y ~ G; b <- ...; G <- Adam step on L_G
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from moegan_jax.errors import UserError, at_least
from moegan_jax.losses.policy_gradient import (
  moving_baseline,
  reward_metrics,
  rewards_to_go,
)
from moegan_jax.losses.prefixes import prefix_cross_entropy, prefix_rewards
from moegan_jax.ops.ends import end_mask
from moegan_jax.systems import assembly, networks
from moegan_jax.systems.policy_gan import PolicyGAN, Weigh
from moegan_jax.types import Array, Critique, Params, Spec, System
from moegan_jax.updates import Loss, gradient_update, repeat, sequence

BASELINE = 'baseline'  # key of b in `TrainState.memory`, and its metric


def build(config, spec: Spec) -> System:
  """Builds ScratchGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  gan, l2 = players(config, spec)
  train = gan.train
  generator = train.generator_updates(
    gan.generator_loss(advantages(gan, **config.scratchgan)),
    remembered=(BASELINE,),
  )
  discriminator = repeat(
    gradient_update('discriminator', train.d_adam, discriminator_loss(gan, l2)),
    train.settings.d_steps,
  )

  def critique(phi: Params, tokens: Array) -> Critique:
    found: Any = assembly.disc_critique(gan.disc)(phi, tokens)
    return found._replace(logits=_until_end(gan, found.logits, tokens))

  return train.system(
    sequence(discriminator, generator),
    players={'discriminator': (gan.disc.init, train.d_adam)},
    critique=critique,
    parts={'discriminator': discriminator, 'generator': generator},
    memory=lambda players: {BASELINE: jnp.zeros(())},
  )


def players(config, spec: Spec) -> tuple[PolicyGAN, float]:
  """Builds G and D, and returns them with the weight of D's penalty.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  settings = config.discriminator.to_dict()
  l2 = settings.pop('l2')
  at_least('discriminator.l2', l2, 0)
  gen = networks.generator(spec, **config.generator)
  disc = networks.prefix_discriminator(spec, **settings)
  train = assembly.training(config, spec, gen)
  return PolicyGAN(train, disc, 'mean'), l2


def judge(
  gan: PolicyGAN, phi: Params, tokens: Array, key: Array | None
) -> Array:
  """Returns D's logits of all prefixes, 0 after the end of a text.

  Args:
    gan: G and D
    phi: parameters of D
    tokens: int32 [B, T]
    key: key of the dropout mask; None for no dropout

  Returns:
    [B, T].
  """
  return _until_end(gan, gan.judge(phi, tokens, key), tokens)


def _until_end(gan: PolicyGAN, logits: Array, tokens: Array) -> Array:
  """Sets the logits [B, T] after the end of a text to 0."""
  return jnp.where(end_mask(tokens, gan.train.spec.pad), logits, 0)


def advantages(gan: PolicyGAN, *, discount: float, decay: float) -> Weigh:
  """Returns the function that weights tokens by R_t - b.

  Args:
    gan: G and D
    discount: in [0, 1]
    decay: share of b that an update keeps, in [0, 1)

  Raises:
    UserError: a value out of range.
  """
  if not 0 <= discount <= 1:
    raise UserError(f'scratchgan.discount={discount} must be in [0, 1]')
  if not 0 <= decay < 1:
    raise UserError(f'scratchgan.decay={decay} must be in [0, 1)')

  def weigh(state, batch, drawn, key):
    del batch, key
    phi = state.players['discriminator'].params
    rewards = prefix_rewards(judge(gan, phi, drawn.text, None))
    to_go = rewards_to_go(rewards, discount)
    baseline = moving_baseline(state.memory[BASELINE], to_go, decay)
    metrics = reward_metrics(rewards, drawn.written) | {BASELINE: baseline}
    return to_go - baseline, metrics

  return weigh


def discriminator_loss(gan: PolicyGAN, l2: float) -> Loss:
  """Returns L_D on real text and as many new samples.

  Args:
    gan: G and D
    l2: weight of the L2 penalty
  """

  def loss(phi, state, batch, key):
    k_sample, k_real, k_fake = jax.random.split(key, 3)
    drawn = gan.draw(state, batch.tokens.shape[0], k_sample)
    real = judge(gan, phi, batch.tokens, k_real)
    fake = judge(gan, phi, drawn.text, k_fake)
    value = prefix_cross_entropy(real, fake)
    is_text = end_mask(batch.tokens, gan.train.spec.pad)
    metrics = {
      'd_loss': value,
      'd_real': real.mean(where=is_text),
      'd_fake': fake.mean(where=drawn.written),
    }
    return value + l2 / 2 * optax.global_norm(phi) ** 2, metrics

  return loss
