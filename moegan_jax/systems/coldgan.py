"""ColdGAN: policy gradients with cautious exploration and importance weights.

Source: Scialom et al., "ColdGANs: Taming Language GANs with Cautious Sampling
Strategies" (NeurIPS 2020).

A low temperature or a nucleus keeps samples close to real text, where the
verdict of D is meaningful. The cold policy G_c divides the logits of G by the
temperature and then keeps the share `top_p` of probability. A row is drawn from
G with probability epsilon and otherwise from G_c. So the density of a text is
known, and importance weights are bounded by 1 / epsilon:

    p(y) = epsilon G(y) + (1 - epsilon) G_c(y)
    w(y) = min(G(y) / p(y), weight_clip)

The reward is D(y) for the whole text. G_0 is G before the g updates of an
iteration, r = G(y) / G_0(y) with r = 1 in the first of them, and

    L_G = -mean over rows of w min(r D, clip(r, 1 - c, 1 + c) D)

Without both clips the expected gradient of the first update is that of
-E_{y ~ G} D(y).

Algorithm:

    pre-train G by maximum likelihood
    pre-train D: its step below, on samples of the pre-trained G
    repeat:
      once:     samples y ~ p
      g times:  G <- Adam step on L_G
      d times:  put new samples of p into the replay memory;
                D <- Adam step on the cross-entropy of real text and as many
                samples of the memory

D's dropout is active in its own steps and off in rewards.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.errors import at_least
from moegan_jax.losses.policy_gradient import clipped_ratio, reward_metrics
from moegan_jax.ops import ring
from moegan_jax.systems.exploration import Exploration, exploration
from moegan_jax.systems.likelihood import positive
from moegan_jax.systems.policy_gan import PolicyGAN, policy_gan
from moegan_jax.systems.pools import Labelled
from moegan_jax.types import Array, Spec, System
from moegan_jax.updates import (
  Loss,
  Prepare,
  gradient_update,
  ring_update,
  together,
)

REPLAY = 'replay'  # key of the replay memory in `TrainState.memory`


def build(config, spec: Spec) -> System:
  """Builds ColdGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  settings = config.coldgan.to_dict()
  clip, weight_clip, replay, before = (
    settings.pop(k) for k in ('clip', 'weight_clip', 'replay', 'pretraining')
  )
  positive(coldgan__weight_clip=weight_clip, coldgan__clip=clip)
  at_least('coldgan.replay', replay, 1)
  at_least('coldgan.pretraining', before, 0)
  p = exploration(**settings)
  gan = policy_gan(config, spec, 'sequence')  # G, D, Adam
  gan = gan._replace(pretraining=before)
  return gan.system(
    gan.train.generator_updates(
      generator_loss(gan, clip), prepare=play(gan, p, weight_clip)
    ),
    together(
      ring_update(
        REPLAY,
        lambda state, batches, key: (
          p.draw(gan, state, batches.tokens.shape[1], key).text
        ),
      ),
      gradient_update('discriminator', gan.train.d_adam, replay_loss(gan)),
      same_key=False,
    ),
    memory=lambda players: {REPLAY: ring.create(replay, spec.length)},
  )


class Played(NamedTuple):
  """Samples of p, and what the g updates of G read.

  Attributes:
    tokens: int32 [B, T], real text
    labels: int32 [B], its classes; None without
    text: int32 [B, T], the samples
    written: bool [B, T], see `policy_gan.Drawn`
    context: [B, Z], see `policy_gan.Drawn`
    log_old: [B], log G_0(y) in nats
    weights: [B], the importance weights w
    rewards: [B], D(y), the probability of real text
  """

  tokens: Array
  labels: Array | None
  text: Array
  written: Array
  context: Array | None
  log_old: Array
  weights: Array
  rewards: Array


def play(gan: PolicyGAN, p: Exploration, weight_clip: float) -> Prepare:
  """Returns the function that draws the samples of an iteration.

  Args:
    gan: G and D
    p: the exploration policy
    weight_clip: largest importance weight

  Returns:
    (state, g real batches, key) -> g times the same Played batch, beside g
    batches of real text.
  """

  def prepare(state, batches, key):
    times, rows = batches.tokens.shape[:2]
    drawn = p.draw(gan, state, rows, key)
    own, mixed = p.log_densities(gan, state, drawn)
    weights = jnp.minimum(jnp.exp(own - mixed), weight_clip)
    rewards = gan.probability(state, drawn.text)
    repeated = jax.tree.map(
      lambda x: jnp.broadcast_to(x, (times, *x.shape)),
      (drawn.text, drawn.written, drawn.context, own, weights, rewards),
    )
    return Played(batches.tokens, batches.labels, *repeated)

  return prepare


def generator_loss(gan: PolicyGAN, clip: float) -> Loss:
  """Returns L_G on a Played batch.

  Args:
    gan: G and D
    clip: c
  """

  def loss(params, state, played, key):
    del state, key
    weights, rewards = played.weights, played.rewards
    each = gan.log_probs(params, played.text, played.context)
    log_new = jnp.where(played.written, each, 0).sum(1)
    gains = clipped_ratio(log_new - played.log_old, weights * rewards, clip)
    value = -gains.mean()
    metrics = reward_metrics(rewards, jnp.ones(rewards.shape, bool))
    metrics |= {'weight_mean': weights.mean(), 'weight_max': weights.max()}
    return value, {'g_loss': value} | metrics

  return loss


def replay_loss(gan: PolicyGAN) -> Loss:
  """Returns D's loss on real text and as many samples of the memory."""
  cross_entropy = gan.cross_entropy()

  def loss(phi, state, batch, key):
    k_draw, k_dropout = jax.random.split(key)
    rows = batch.tokens.shape[0]
    past = ring.draw(state.memory[REPLAY], k_draw, rows)
    both = Labelled(
      jnp.concatenate([batch.tokens, past]), jnp.arange(2 * rows) < rows
    )
    value, metrics = cross_entropy(phi, state, both, k_dropout)
    real, fake = jnp.split(metrics.pop('d_logits'), 2)
    return value, metrics | {'d_real': real.mean(), 'd_fake': fake.mean()}

  return loss
