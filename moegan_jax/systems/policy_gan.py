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
from typing import NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.policy_gradient import REDUCTIONS, policy_gradient
from moegan_jax.ops import random
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import assembly, networks, pools
from moegan_jax.types import (
  Array,
  Batch,
  Critique,
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

  Attributes:
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


# (state, real batch, key) -> samples
Draw = Callable[[TrainState, Batch, Array], Drawn]
# (state, real batch, samples, key) -> weights [B, T], metrics
Weigh = Callable[[TrainState, Batch, Drawn, Array], tuple[Array, Metrics]]


class PolicyGAN(NamedTuple):
  """A generator G, a discriminator D, and how both of them learn.

  Attributes:
    train: G, its pre-training and the optimizers
    disc: D
    reduce: reduction of the loss of G, see `losses.policy_gradient`
    l2: weight of the L2 penalty of D's logit layer, if it has one
    negatives: samples in a pool, which has as many rows of real text; 0 if D
      does not learn on pools
    passes: passes over a pool
    pretraining: iterations of the pre-training of D
  """

  train: assembly.Training
  disc: Discriminator
  reduce: str
  l2: float = 0.0
  negatives: int = 0
  passes: int = 0
  pretraining: int = 0

  @property
  def start(self) -> int:
    """The global step at which the adversarial phase begins."""
    return self.train.pretrain.steps + self.pretraining

  def draw(self, state: TrainState, n: int, key: Array, **given) -> Drawn:
    """Draws samples from G, without a gradient.

    Args:
      state: the training state
      n: number of samples
      key: key of the noise
      **given: further options of `decode.sample`
    """
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
      choose=decode.by_inversion,
      **given,
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

  def critique(self, phi: Params, tokens: Array, key: Array | None) -> Critique:
    """Returns D's critique of text, with pad after its end.

    Args:
      phi: parameters of D
      tokens: int32 [n, T]
      key: key of the dropout mask; None for no dropout
    """
    text = padded(tokens, self.train.spec.pad)
    return self.disc.judge(phi, self.disc.embed(phi, text), key)

  def judge(self, phi: Params, tokens: Array, key: Array | None) -> Array:
    """Returns D's logits [n, K], with K = 1, S or T; see `critique`."""
    logits = self.critique(phi, tokens, key).logits
    if logits is None:
      raise ValueError('a policy gradient requires a D with logits')
    return logits.reshape(tokens.shape[0], -1)

  def features(self, phi: Params, tokens: Array, key: Array | None) -> Array:
    """Returns D's features [n, S F] of all representations; see `critique`."""
    features = self.critique(phi, tokens, key).features
    return features.reshape(tokens.shape[0], -1)

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

  def generator_loss(self, weigh: Weigh, draw: Draw | None = None) -> Loss:
    """Returns the policy-gradient loss of G on new samples.

    Args:
      weigh: (state, real batch, samples, key) -> weights [B, T] of the tokens,
        metrics. Weights after the end of a text are not read.
      draw: (state, real batch, key) -> samples; default: as many as the batch
        has rows
    """

    def loss(params, state, batch, key):
      # `adversarial.anchor` folds a number into the key.
      k_sample, k_weigh = jax.random.split(key)
      drawn = (
        self.draw(state, batch.tokens.shape[0], k_sample)
        if draw is None
        else draw(state, batch, k_sample)
      )
      weights, metrics = weigh(state, batch, drawn, k_weigh)
      log_probs = self.log_probs(params, drawn.text, drawn.context)
      weights = jnp.where(drawn.written, weights, 0)
      value = policy_gradient(log_probs, weights, self.reduce)
      return value, {'g_loss': value} | metrics

    return loss

  def cross_entropy(self) -> Loss:
    """Returns D's loss, see `pools.cross_entropy`."""
    return pools.cross_entropy(self.judge, self.l2)

  def discriminator_update(
    self, loss: Loss, beside: tuple[int, int] | None = None
  ) -> Update:
    """Builds the updates of D on one pool, see `pools.pool_update`.

    Args:
      loss: the loss of D on a Labelled batch. Its metric 'd_logits' is [B].
      beside: numbers of further rows of real text and of samples
    """

    def sample(state: TrainState, rows: Array) -> Array:
      return decode.sample(
        self.train.gen,
        state.players['generator'].params,
        rows,
        length=self.train.spec.length,
        unroll=self.train.unroll,
        choose=decode.by_inversion,
      ).tokens

    return pools.pool_update(
      gradient_update('discriminator', self.train.d_adam, loss),
      sample,
      batch=self.train.settings.batch,
      negatives=self.negatives,
      passes=self.passes,
      beside=beside,
    )

  def system(
    self, generator: Update, discriminator: Update, *after: Update, **options
  ) -> System:
    """Builds the system that pre-trains G, then D, and then alternates.

    Args:
      generator: the generator updates of an iteration, applied first
      discriminator: an update of D, such as that on one pool; an iteration
        has `adversarial.d_steps` of them
      *after: updates that follow those of the generator
      **options: of `assembly.Training.system`
    """
    train = self.train
    pretrain = Phase(
      steps=self.pretraining,
      batch_size=train.settings.batch,
      update=discriminator,
      enter=assembly.fresh_optimizers(discriminator=train.d_adam),
      epochs=False,
      role=Role.DISCRIMINATOR,
      label='D',
      batch_key='adversarial.batch',
    )
    updates = repeat(discriminator, train.settings.d_steps)
    return train.system(
      sequence(generator, *after, updates),
      disc=self.disc,
      parts={'generator': generator, 'discriminator': updates},
      before={DISCRIMINATE: pretrain},
      **options,
    )


def policy_gan(
  config,
  spec: Spec,
  reduce: str,
  classifier: bool = True,
  disc: Discriminator | None = None,
) -> PolicyGAN:
  """Builds the players and their losses from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus
    reduce: reduction of the loss of G, see `losses.policy_gradient`
    classifier: whether D has logits; False gives features only
    disc: D; default: that of the section `discriminator`

  Raises:
    UserError: a value out of range.
  """
  gen = networks.generator(spec, **config.generator)
  l2 = 0.0
  if disc is None:
    l2, disc = _discriminator(
      spec, classifier=classifier, **config.discriminator
    )
  train = assembly.training(config, spec, gen)
  at_least('adversarial.batch', config.adversarial.batch, 1)
  at_least('discriminator.l2', l2, 0)
  if reduce not in REDUCTIONS:
    raise unknown('policy.reduce', reduce, REDUCTIONS)
  if 'pool' not in config:  # D does not learn on pools
    return PolicyGAN(train, disc, reduce, l2)
  pool, batch = config.pool, config.adversarial.batch
  at_least('pool.passes', pool.passes, 1)
  at_least('pool.pretraining', pool.pretraining, 0)
  if 2 * pool.negatives < batch:
    raise UserError(
      f'pool.negatives={pool.negatives} gives a pool of {2 * pool.negatives} '
      f'rows, fewer than adversarial.batch={batch}; raise it'
    )
  return PolicyGAN(train, disc, reduce, l2, **pool)


def _discriminator(
  spec: Spec, *, l2: float = 0.0, **settings
) -> tuple[float, Discriminator]:
  """Builds D without the filters that are wider than the text.

  Args:
    spec: the properties of the corpus
    l2: weight of the penalty, which is returned; 0 without a logit layer
    **settings: of `networks.discriminator`
  """
  settings = fitting_filters(settings, spec.length)
  return l2, networks.discriminator(spec, **settings)


def fitting_filters(settings: dict, length: int) -> dict:
  """Returns settings of a discriminator without the filters that are too wide.

  Args:
    settings: of `networks.discriminator`
    length: T, the widest filter that fits

  If no filter fits, all of them stay, and the network refuses them.
  """
  widths, filters = settings.get('widths', ()), settings.get('filters', ())
  fit = [i for i, width in enumerate(widths) if width <= length]
  if len(fit) in (0, len(widths)):
    return settings
  kept = {'widths': tuple(widths[i] for i in fit)}
  if len(filters) == len(widths):
    kept['filters'] = tuple(filters[i] for i in fit)
  return settings | kept


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
