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

from moegan_jax import decode
from moegan_jax.errors import UserError, at_least
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.policy_gradient import clipped_ratio
from moegan_jax.ops import ring
from moegan_jax.ops.relaxation import truncate
from moegan_jax.systems.policy_gan import (
  Drawn,
  PolicyGAN,
  policy_gan,
  reward_metrics,
)
from moegan_jax.systems.pools import Labelled
from moegan_jax.types import Array, Spec, System, TrainState, Update
from moegan_jax.updates import Loss, gradient_update, together

REPLAY = 'replay'  # key of the replay memory in `TrainState.memory`


def build(config, spec: Spec) -> System:
  """Builds ColdGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  pretraining, replay, policy = split(**config.coldgan)
  gan = policy_gan(config, spec, 'sequence')  # G, D, Adam
  gan = gan._replace(pretraining=pretraining)
  return gan.system(
    gan.train.generator_updates(policy.loss(gan), prepare=policy.play(gan)),
    together(
      policy.remember(gan),
      gradient_update('discriminator', gan.train.d_adam, replay_loss(gan)),
      same_key=False,
    ),
    memory=lambda players: {REPLAY: ring.create(replay, spec.length)},
  )


class Played(NamedTuple):
  """Samples of the exploration policy and what their updates read.

  tokens: int32 [B, T], real text
  drawn: the samples
  log_old: [B], log G_0(y)
  weights: [B], w
  rewards: [B], D(y)
  """

  tokens: Array
  drawn: Drawn
  log_old: Array
  weights: Array
  rewards: Array


class Exploration(NamedTuple):
  """The exploration policy p and the clips of the loss."""

  temperature: float
  top_p: float
  epsilon: float
  weight_clip: float
  clip: float

  def draw(self, gan: PolicyGAN, state: TrainState, n: int, key: Array):
    """Draws n samples of p, each from G or from G_c."""
    k_choice, k_sample = jax.random.split(key)
    is_cold = jax.random.bernoulli(k_choice, 1 - self.epsilon, (n, 1))

    def cut(logits):
      return jnp.where(is_cold, truncate(logits, top_p=self.top_p), logits)

    temperature = jnp.where(is_cold, self.temperature, 1.0)
    return gan.draw(state, n, k_sample, temperature=temperature, truncate=cut)

  def log_densities(
    self, gan: PolicyGAN, state: TrainState, drawn: Drawn
  ) -> tuple[Array, Array]:
    """Returns log G(y) and log p(y) of texts up to their ends, [B] each."""
    logits = decode.teacher_force(
      gan.train.gen,
      state.players['generator'].params,
      drawn.text,
      context=drawn.context,
      unroll=gan.train.unroll,
    )

    def density(logits):
      each = log_likelihood(logits, drawn.text)
      return jnp.where(drawn.written, each, 0).sum(1)

    own = density(logits)
    cold = density(truncate(logits / self.temperature, top_p=self.top_p))
    mixed = jnp.logaddexp(
      jnp.log(self.epsilon) + own, jnp.log1p(-self.epsilon) + cold
    )
    return own, mixed

  def play(self, gan: PolicyGAN):
    """Returns the function that prepares the updates of G, see `repeat`."""

    def prepare(state, batches, key) -> Played:
      times, rows = batches.tokens.shape[:2]
      drawn = self.draw(gan, state, rows, key)
      own, mixed = self.log_densities(gan, state, drawn)
      weights = jnp.minimum(jnp.exp(own - mixed), self.weight_clip)
      rewards = gan.probability(state, drawn.text)
      drawn = drawn._replace(sampled=None)  # not read any more
      played = Played(batches.tokens[0], drawn, own, weights, rewards)
      played = jax.tree.map(
        lambda x: jnp.broadcast_to(x, (times, *x.shape)), played
      )
      return played._replace(tokens=batches.tokens)

    return prepare

  def loss(self, gan: PolicyGAN) -> Loss:
    """Returns L_G on a Played batch."""

    def loss(params, state, played, key):
      del state, key
      drawn = played.drawn
      each = gan.log_probs(params, drawn.text, drawn.context)
      log_new = jnp.where(drawn.written, each, 0).sum(1)
      gains = clipped_ratio(
        log_new - played.log_old, played.weights * played.rewards, self.clip
      )
      value = -gains.mean()
      everything = jnp.ones(played.rewards.shape, bool)
      return value, {
        'g_loss': value,
        'weight_mean': played.weights.mean(),
        'weight_max': played.weights.max(),
        **reward_metrics(played.rewards, everything),
      }

    return loss

  def remember(self, gan: PolicyGAN) -> Update:
    """Builds the update that puts a batch of new samples into the memory."""

    def apply(state, batches, key):
      drawn = self.draw(gan, state, batches.tokens.shape[1], key)
      new = ring.put(state.memory[REPLAY], drawn.text)
      return state.replace(memory=state.memory | {REPLAY: new}), {}

    return Update(0, apply)


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


def split(
  *, pretraining: int, replay: int, **policy: float
) -> tuple[int, int, Exploration]:
  """Checks the section `coldgan` and splits it.

  Args:
    pretraining: iterations of the pre-training of D
    replay: rows of the replay memory
    **policy: fields of Exploration

  Raises:
    UserError: a value out of range.
  """
  at_least('coldgan.pretraining', pretraining, 0)
  at_least('coldgan.replay', replay, 1)
  for name in ('temperature', 'weight_clip', 'clip'):
    if not policy[name] > 0:
      raise UserError(f'coldgan.{name}={policy[name]} must be positive')
  for name in ('top_p', 'epsilon'):
    if not 0 < policy[name] <= 1:
      raise UserError(f'coldgan.{name}={policy[name]} must be in (0, 1]')
  return pretraining, replay, Exploration(**policy)
