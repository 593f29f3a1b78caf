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
from moegan_jax.decode.sampling import default_context
from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.policy_gradient import (
  BASELINES,
  REDUCTIONS,
  policy_gradient,
)
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
    context: [B, Z], latent noise or classes of the samples; None without
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
    baseline: what is subtracted from the weights of tokens, a key of
      `losses.policy_gradient.BASELINES`
    l2: weight of the L2 penalty of D's logit layer, if it has one
    negatives: samples in a pool, which has as many rows of real text; 0 if D
      does not learn on pools
    passes: passes over a pool
    pretraining: iterations of the pre-training of D
  """

  train: assembly.Training
  disc: Discriminator
  reduce: str
  baseline: str = 'none'
  l2: float = 0.0
  negatives: int = 0
  passes: int = 0
  pretraining: int = 0

  @property
  def start(self) -> int:
    """The global step at which the adversarial phase begins."""
    return self.train.pretrain.steps + self.pretraining

  def draw(
    self,
    state: TrainState,
    n: int,
    key: Array,
    labels: Array | None = None,
    **given,
  ) -> Drawn:
    """Draws samples from G, without a gradient.

    Args:
      state: the training state
      n: number of samples
      key: key of the noise
      labels: classes int32 [n] of a conditional G; None draws them, too
      **given: further options of `decode.sample`
    """
    gen, spec = self.train.gen, self.train.spec
    row_keys = random.row_keys(key, n)
    context = default_context(gen, row_keys, gen.context(labels))
    sampled = decode.sample(
      gen,
      self.train.parameters(state),
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

  def generator_loss(
    self,
    weigh: Weigh,
    draw: Draw | None = None,
    weighted: Callable[[Array, Array, str], Array] = policy_gradient,
  ) -> Loss:
    """Returns the policy-gradient loss of G on new samples.

    Args:
      weigh: (state, real batch, samples, key) -> weights [B, T] of the tokens,
        metrics. Weights after the end of a text are not read.
      draw: (state, real batch, key) -> samples; default: as many as the batch
        has rows
      weighted: (log_probs [B, T], weights [B, T], reduction) -> loss
    """
    sample = draw or (lambda s, b, key: self.draw(s, len(b.tokens), key))

    def loss(params, state, batch, key):
      # `adversarial.anchor` folds a number into the key.
      k_sample, k_weigh = jax.random.split(key)
      drawn = sample(state, batch, k_sample)
      weights, metrics = weigh(state, batch, drawn, k_weigh)
      log_probs = self.log_probs(params, drawn.text, drawn.context)
      weights = BASELINES[self.baseline](weights, drawn.written)
      weights = jnp.where(drawn.written, weights, 0)
      value = weighted(log_probs, weights, self.reduce)
      return value, {'g_loss': value} | metrics

    return loss

  def cross_entropy(self) -> Loss:
    """Returns D's loss, see `pools.cross_entropy`."""
    return pools.cross_entropy(self.judge, self.l2)

  def discriminator_update(
    self,
    loss: Loss,
    beside: tuple[int, int] | None = None,
    batch: int | None = None,
  ) -> Update:
    """Builds the updates of D on one pool, see `pools.pool_update`.

    Args:
      loss: the loss of D on a Labelled batch. Its metric 'd_logits' is [B].
      beside: numbers of further rows of real text and of samples
      batch: B, the batch size of the phase; default: `adversarial.batch`
    """

    def sample(state: TrainState, rows: Array) -> Array:
      return decode.sample(
        self.train.gen,
        self.train.parameters(state),
        rows,
        length=self.train.spec.length,
        unroll=self.train.unroll,
        choose=decode.by_inversion,
      ).tokens

    return pools.pool_update(
      gradient_update('discriminator', self.train.d_adam, loss),
      sample,
      batch=batch or self.train.settings.batch,
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
  baseline: str = 'none',
  *,
  classifier: bool = True,
  disc: Discriminator | None = None,
) -> PolicyGAN:
  """Builds the players and their losses from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus
    reduce: reduction of the loss of G, see `losses.policy_gradient`
    baseline: a key of `losses.policy_gradient.BASELINES`
    classifier: whether D has logits; False gives features only
    disc: D; default: that of the section `discriminator`

  Raises:
    UserError: a value out of range.
  """
  gen = networks.generator(spec, **config.generator)
  l2 = 0.0
  if disc is None:
    l2, disc = networks.token_discriminator(
      spec, classifier=classifier, **config.discriminator
    )
  train = assembly.training(config, spec, gen)
  return assembled(config, train, disc, reduce, l2, baseline)


def assembled(
  config,
  train: assembly.Training,
  disc: Discriminator,
  reduce: str,
  l2: float,
  baseline: str = 'none',
) -> PolicyGAN:
  """Builds a PolicyGAN of given players from a configuration.

  Args:
    config: all settings of a run
    train: G and its pre-training
    disc: D
    reduce, l2, baseline: see `PolicyGAN`

  Raises:
    UserError: a value out of range.
  """
  at_least('adversarial.batch', config.adversarial.batch, 1)
  if reduce not in REDUCTIONS:
    raise unknown('policy.reduce', reduce, REDUCTIONS)
  if baseline not in BASELINES:
    raise unknown('policy.baseline', baseline, BASELINES)
  if 'pool' not in config:  # D does not learn on pools
    return PolicyGAN(train, disc, reduce, baseline, l2)
  pool, batch = config.pool, config.adversarial.batch
  at_least('pool.passes', pool.passes, 1)
  at_least('pool.pretraining', pool.pretraining, 0)
  if 2 * pool.negatives < batch:
    raise UserError(
      f'pool.negatives={pool.negatives} gives a pool of {2 * pool.negatives} '
      f'rows, fewer than adversarial.batch={batch}; raise it'
    )
  return PolicyGAN(train, disc, reduce, baseline, l2, **pool)
