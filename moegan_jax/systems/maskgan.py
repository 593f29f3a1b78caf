"""MaskGAN: fills in blanks, with a reward per token and a critic.

Source: Fedus et al., "MaskGAN: Better Text Generation via Filling in the ____"
(ICLR 2018).

A mask hides some tokens of a real text x; m is the text with blanks. G has an
encoder that reads m, and a decoder that writes y: given tokens are kept, and
the others are drawn from G(y_t | y_<t, m). D has the same networks. It gives
the probability D_t that token t is real, after m and y_1 ... y_t. A critic
estimates the return before each token, b_t, from a state of D. Sums and means
are over masked positions:

    r_t = log D_t
    R_t = sum over s >= t of discount^(s - t) r_s
    L_G = -sum_t clip(R_t - b_t) log G(y_t | y_<t, m)
    L_D = -1/2 mean log D_t(x) - 1/2 mean log(1 - D_t(y))
    L_b = mean (R_t - b_t)^2

With everything masked, G is a language model. This is how it samples and how it
is measured.

Algorithm:

    pre-train G: maximum likelihood of the masked tokens
    repeat:
      g times:  a real text, a mask, y ~ G; G <- Adam step on L_G
      d times:  the same anew; D <- Adam step on L_D, critic <- one on L_b

After the end of y nothing counts, and D reads padding.
"""

import jax
import jax.numpy as jnp
import optax

from moegan_jax.errors import unknown
from moegan_jax.losses.masked import masked_cross_entropy, masked_mean
from moegan_jax.losses.policy_gradient import (
  REDUCTIONS,
  policy_gradient,
  reward_metrics,
)
from moegan_jax.nets.masked import masked
from moegan_jax.systems import assembly, paper_networks
from moegan_jax.systems.likelihood import adam, positive
from moegan_jax.systems.masking import MaskedGame, masked_game
from moegan_jax.types import Spec, System
from moegan_jax.updates import Loss, gradient_update, repeat, sequence


def build(config, spec: Spec) -> System:
  """Builds MaskGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  settings = config.maskgan.to_dict()
  reduce, critic_lr = settings.pop('reduce'), settings.pop('critic_lr')
  positive(maskgan__critic_lr=critic_lr)
  if reduce not in REDUCTIONS:
    raise unknown('maskgan.reduce', reduce, REDUCTIONS)
  gen = paper_networks.masked_generator(spec, **config.generator)
  disc = paper_networks.masked_critic(spec, **config.discriminator)
  game = masked_game(gen, disc, spec, unroll=config.unroll, **settings)
  train = assembly.training(config, spec, gen, infilling_loss(game))
  adversarial = config.adversarial
  optimizer = optax.multi_transform(
    {
      'discriminator': train.d_adam,
      'critic': adam(critic_lr, adversarial.clip, adversarial.beta1),
    },
    lambda params: {
      group: 'critic' if group == 'critic' else 'discriminator'
      for group in params
    },
  )
  generator = train.generator_updates(generator_loss(game, reduce))
  discriminator = repeat(
    gradient_update('discriminator', optimizer, discriminator_loss(game)),
    adversarial.d_steps,
  )
  system = train.system(
    sequence(generator, discriminator),
    players={'discriminator': (disc.init, optimizer)},
    critique=game.critique,
    parts={'generator': generator, 'discriminator': discriminator},
  )
  return system._replace(sample=game.sample, fills=True)


def infilling_loss(game: MaskedGame) -> Loss:
  """Returns the negative log-likelihood of masked tokens of real text."""

  def loss(params, state, batch, key):
    del state
    given = game.given(key, batch.tokens.shape[0])
    context = masked(batch.tokens, given, game.spec.vocab_size)
    each = game.log_probs(params, batch.tokens, context)
    value = -masked_mean(each, ~given)
    return value, {'nll': value}

  return loss


def generator_loss(game: MaskedGame, reduce: str) -> Loss:
  """Returns L_G on newly masked real text.

  Args:
    game: G and D
    reduce: see `losses.policy_gradient`
  """

  def loss(params, state, batch, key):
    # `adversarial.anchor` folds a number into the key.
    k_fill, _ = jax.random.split(key)
    filled = game.fill(state, batch.tokens, k_fill)
    phi = state.players['discriminator'].params
    judged = game.disc.judge(phi, filled.context, filled.text, None)
    rewards, to_go = game.returns(judged.logits, filled.counted)
    values = game.disc.value(phi, judged.before)
    advantages = jnp.clip(to_go - values, -game.clip, game.clip)
    log_probs = game.log_probs(params, filled.text, filled.context)
    weights = jnp.where(filled.counted, advantages, 0)
    value = policy_gradient(log_probs, weights, reduce)
    metrics = reward_metrics(rewards, filled.counted)
    return value, {'g_loss': value} | metrics

  return loss


def discriminator_loss(game: MaskedGame) -> Loss:
  """Returns L_D + L_b on newly masked real text."""

  def loss(phi, state, batch, key):
    k_fill, k_real, k_fake = jax.random.split(key, 3)
    filled = game.fill(state, batch.tokens, k_fill)
    real = game.disc.judge(phi, filled.context, batch.tokens, k_real)
    fake = game.disc.judge(phi, filled.context, filled.text, k_fake)
    value = masked_cross_entropy(
      real.logits, fake.logits, filled.real_counted, filled.counted
    )
    _, to_go = game.returns(fake.logits, filled.counted)
    target = jax.lax.stop_gradient(to_go)
    error = target - game.disc.value(phi, fake.before)
    critic = masked_mean(error**2, filled.counted)
    metrics = {
      'd_loss': value,
      'd_real': masked_mean(real.logits, filled.real_counted),
      'd_fake': masked_mean(fake.logits, filled.counted),
      'critic_loss': critic,
    }
    return value + critic, metrics

  return loss
