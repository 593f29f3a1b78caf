"""Updates of GANs whose generator learns by policy gradients (SeqGAN, ...).

G samples token sequences, and the paper gives each token a weight, which is
computed from rewards of whole sequences. G minimises minus the weighted sum of
the log-probabilities of its tokens. D learns to tell real text from samples on
tokens, in passes over a pool of both.

Tokens after the end of a text are not part of it. D reads padding there, so
they change no reward, and their weight in the loss of G is zero. The end symbol
itself is a choice and has a weight.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax import decode
from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.policy_gradient import REDUCTIONS, policy_gradient
from moegan_jax.ops import devices, random
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import assembly, networks
from moegan_jax.types import (
  Array,
  Discriminator,
  Metrics,
  Params,
  Phase,
  Role,
  Spec,
  System,
  TrainState,
  Update,
)
from moegan_jax.updates import Loss, gradient_update, repeat, sequence

DISCRIMINATE = 'discriminate'  # name of the phase that pre-trains D


class Drawn(NamedTuple):
  """Samples of the frozen generator.

  sampled: Sampled, with the carries
  row_keys: uint32 [B, 2], the keys of the samples
  context: [B, Z], the latent noise of the samples; None without
  text: int32 [B, T], the tokens, with pad after the end
  written: bool [B, T], True up to and including the end symbol
  """

  sampled: decode.Sampled
  row_keys: Array
  context: Array | None
  text: Array
  written: Array


class Labelled(NamedTuple):
  """A batch of the pool of D.

  tokens: int32 [B, T]
  real: bool [B], True for real text, False for samples
  """

  tokens: Array
  real: Array


# (state, samples, key) -> weights [B, T], metrics
Weigh = Callable[[TrainState, Drawn, Array], tuple[Array, Metrics]]


class PolicyGAN(NamedTuple):
  """A generator G, a discriminator D, and how both of them learn.

  train: G, its pre-training and the optimizers
  disc: D
  reduce: reduction of the loss of G, see `losses.policy_gradient`
  l2: weight of the L2 penalty of D's logit layer
  negatives: samples in a pool, which has as many rows of real text
  passes: passes over a pool
  pretrain: number of pools in the pre-training of D
  """

  train: assembly.Training
  disc: Discriminator
  reduce: str
  l2: float
  negatives: int
  passes: int
  pretrain: int

  def draw(self, state: TrainState, n: int, key: Array) -> Drawn:
    """Draws n samples from G, without a gradient."""
    gen, spec = self.train.gen, self.train.spec
    row_keys = random.row_keys(key, n)
    context = None if gen.latent is None else gen.latent(row_keys)
    sampled = decode.sample(
      gen,
      state.players['generator'].params,
      row_keys,
      length=spec.length,
      context=context,
      unroll=self.train.unroll,
      states=True,
    )
    text = padded(sampled.tokens, spec.pad)
    written = end_mask(sampled.tokens, spec.pad)
    return Drawn(sampled, row_keys, context, text, written)

  def log_probs(self, params: Params, tokens: Array, context=None) -> Array:
    """Returns log G(token_t | prefix) of given text, [B, T]."""
    logits = decode.teacher_force(
      self.train.gen, params, tokens, context=context, unroll=self.train.unroll
    )
    return log_likelihood(logits, tokens)

  def judge(self, phi: Params, tokens: Array, key: Array | None) -> Array:
    """Returns D's logits of text, with pad after its end.

    Args:
      phi: parameters of D
      tokens: int32 [n, T]
      key: key of the dropout mask; None for no dropout

    Returns:
      [n, K], with K = 1, S or T logits of a sequence.
    """
    text = padded(tokens, self.train.spec.pad)
    logits = self.disc.judge(phi, self.disc.embed(phi, text), key).logits
    if logits is None:
      raise ValueError('a policy gradient requires a D with logits')
    return logits.reshape(tokens.shape[0], -1)

  def probability(self, state: TrainState, tokens: Array) -> Array:
    """Returns D(x), the probability of real text, without dropout.

    Args:
      state: the training state
      tokens: int32 [n, T]

    Returns:
      [n], the mean over the logits of a sequence.
    """
    phi = state.players['discriminator'].params
    return jax.nn.sigmoid(self.judge(phi, tokens, None)).mean(1)

  def generator_updates(self, weigh: Weigh) -> Update:
    """Builds the g policy-gradient updates of an iteration.

    Args:
      weigh: (state, samples, key) -> weights [B, T] of the tokens, metrics

    Returns:
      An Update, see `assembly.Training.generator_updates`.
    """

    def loss(params, state, batch, key):
      # `adversarial.anchor` folds a number into the key.
      k_sample, k_weigh = jax.random.split(key)
      drawn = self.draw(state, batch.tokens.shape[0], k_sample)
      weights, metrics = weigh(state, drawn, k_weigh)
      log_probs = self.log_probs(params, drawn.text, drawn.context)
      weights = jnp.where(drawn.written, weights, 0)
      value = policy_gradient(log_probs, weights, self.reduce)
      return value, {'g_loss': value} | metrics

    return self.train.generator_updates(loss)

  def cross_entropy(self) -> Loss:
    """Returns D's loss on a Labelled batch, and `l2` times its penalty.

    The published code of SeqGAN has a softmax over two logits. A difference w
    of their weights has the least penalty |w|^2 / 4 in place of |w|^2 / 2.
    """

    def loss(phi, state, batch, key):
      del state
      logits = self.judge(phi, batch.tokens, key)
      labels = jnp.broadcast_to(batch.real[:, None], logits.shape)
      value = optax.sigmoid_binary_cross_entropy(
        logits, labels.astype(logits.dtype)
      ).mean()
      layer = phi['body']['logit']
      penalty = sum(jnp.sum(x**2) for x in jax.tree.leaves(layer)) / 4
      metrics = {'d_loss': value, 'd_logits': logits.mean(1)}
      return value + self.l2 * penalty, metrics

    return loss

  def discriminator_update(self, loss: Loss) -> Update:
    """Builds the updates of D on one pool of real text and new samples.

    Args:
      loss: the loss of D on a Labelled batch. Its metric 'd_logits' is [B].

    Returns:
      An Update that draws the pool and passes over it several times, each time
      in a new order. A rest that fills no batch is left out. Its metrics are
      means over the last pass; `d_real` and `d_fake` are the mean logits of
      real text and of samples.
    """
    batch, n = self.train.settings.batch, self.negatives
    count, used = -(-n // batch), 2 * n // batch
    step = gradient_update('discriminator', self.train.d_adam, loss)

    def one_pass(pool: Array, state: TrainState, key: Array):
      k_order, k_steps = jax.random.split(key)
      order = jax.random.permutation(k_order, 2 * n)[: used * batch]
      order = order.reshape(used, 1, batch)
      inputs = Labelled(devices.split(pool[order], axis=2), order < n)

      def body(state, xs):
        own, i = xs
        return step.apply(state, own, jax.random.fold_in(k_steps, i))

      state, metrics = jax.lax.scan(body, state, (inputs, jnp.arange(used)))
      logits, real = metrics.pop('d_logits'), inputs.real[:, 0]
      means = {name: values.mean() for name, values in metrics.items()}
      means['d_real'] = logits.mean(where=real)
      means['d_fake'] = logits.mean(where=~real)
      return state, means

    def apply(state: TrainState, batches: Any, key: Array):
      k_fake, k_passes = jax.random.split(key)
      real = batches.tokens.reshape(count * batch, -1)[:n]
      fake = self._samples(state, count, batch, k_fake)[:n]
      pool = jnp.concatenate([real, fake])
      state, metrics = jax.lax.scan(
        lambda state, key: one_pass(pool, state, key),
        state,
        jax.random.split(k_passes, self.passes),
      )
      return state, jax.tree.map(lambda x: x[-1], metrics)

    return Update(count, apply)

  def _samples(
    self, state: TrainState, count: int, batch: int, key: Array
  ) -> Array:
    """Draws samples int32 [count * batch, T], one batch at a time."""
    rows = random.row_keys(key, count * batch).reshape(batch, count, 2)
    tokens = jax.lax.map(
      lambda own: (
        decode.sample(
          self.train.gen,
          state.players['generator'].params,
          own,
          length=self.train.spec.length,
          unroll=self.train.unroll,
        ).tokens
      ),
      jnp.swapaxes(rows, 0, 1),
    )
    return tokens.reshape(count * batch, -1)

  def system(
    self, generator: Update, discriminator: Update, *after: Update, **options
  ) -> System:
    """Builds the system that pre-trains G, then D, and then alternates.

    Args:
      generator: the generator updates of an iteration, applied first
      discriminator: the update of D on one pool; an iteration has
        `adversarial.d_steps` of them
      *after: updates that follow those of the generator
      **options: of `assembly.Training.system`
    """
    train = self.train
    pretrain = Phase(
      steps=self.pretrain,
      batch_size=train.settings.batch,
      update=discriminator,
      enter=assembly.fresh_optimizers(discriminator=train.d_adam),
      epochs=False,
      role=Role.DISCRIMINATOR,
      label='D',
      batch_key='adversarial.batch',
    )
    pools = repeat(discriminator, train.settings.d_steps)
    return train.system(
      sequence(generator, *after, pools),
      disc=self.disc,
      parts={'generator': generator, 'discriminator': pools},
      before={DISCRIMINATE: pretrain},
      **options,
    )


def policy_gan(config, spec: Spec) -> PolicyGAN:
  """Builds the players and their losses from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  gen = networks.generator(spec, **config.generator)
  l2, disc = _discriminator(spec, **config.discriminator)
  train = assembly.training(config, spec, gen)
  pool, batch = config.pool, config.adversarial.batch
  at_least('adversarial.batch', batch, 1)
  at_least('discriminator.l2', l2, 0)
  at_least('pool.passes', pool.passes, 1)
  at_least('pool.pretrain', pool.pretrain, 0)
  if 2 * pool.negatives < batch:
    raise UserError(
      f'pool.negatives={pool.negatives} gives a pool of {2 * pool.negatives} '
      f'rows, fewer than adversarial.batch={batch}; raise it'
    )
  if config.policy.reduce not in REDUCTIONS:
    raise unknown('policy.reduce', config.policy.reduce, REDUCTIONS)
  return PolicyGAN(train, disc, config.policy.reduce, l2, **pool)


def _discriminator(
  spec: Spec, *, l2: float, **settings
) -> tuple[float, Discriminator]:
  """Builds D without the filters that are wider than the text.

  Args:
    spec: the properties of the corpus
    l2: weight of the penalty, which is returned
    **settings: of `networks.discriminator`
  """
  if 'widths' in settings:
    widths, filters = settings['widths'], settings['filters']
    fit = [i for i, width in enumerate(widths) if width <= spec.length]
    if fit:
      settings['widths'] = tuple(widths[i] for i in fit)
      if len(filters) == len(widths):
        settings['filters'] = tuple(filters[i] for i in fit)
  return l2, networks.discriminator(spec, **settings)


def reward_metrics(rewards: Array, counted: Array) -> Metrics:
  """Returns mean, standard deviation, least and largest reward.

  Args:
    rewards: [...]
    counted: bool [...], at least one of them True
  """
  return {
    'reward_mean': rewards.mean(where=counted),
    'reward_std': rewards.std(where=counted),
    'reward_min': rewards.min(where=counted, initial=jnp.inf),
    'reward_max': rewards.max(where=counted, initial=-jnp.inf),
  }
