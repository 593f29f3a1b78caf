"""Losses and updates of GANs on relaxed samples (RelGAN, MoEGAN, CCL, ...).

The gradient of the generator flows through its relaxed samples. The
discriminator learns from samples of the frozen generator.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax import decode
from moegan_jax.losses.adversarial import (
  AdversarialLoss,
  gradient_penalty,
  logits_of,
)
from moegan_jax.ops import devices, random
from moegan_jax.ops.arrays import on
from moegan_jax.ops.ends import end_mask
from moegan_jax.ops.relaxation import gumbel_softmax, soft_argmax
from moegan_jax.systems.relaxed_inputs import DrawnBatches, TermInputs
from moegan_jax.types import (
  Array,
  Batch,
  Critique,
  Discriminator,
  Generator,
  Params,
  TrainState,
  Update,
)
from moegan_jax.updates import Loss, gradient_update, repeat


class RelaxedGAN(NamedTuple):
  """A generator G, a discriminator D and the options of their losses.

  Attributes:
    generator: G
    discriminator: D
    length: T
    loss: adversarial loss of both players; None if D has no logits
    weight: weight of the adversarial loss in the loss of G
    penalty: weight of the gradient penalty in the loss of D
    beta: number of finished iterations of the phase -> inverse temperature
    start: global step at which the adversarial phase begins
    one_hot: whether D reads straight-through samples, see `decode.relax`
    stochastic: see `decode.relax`
    feedback: see `decode.relax`
    route: see `decode.relax`, or 'platform': 'after' on a GPU with hard
      feedback, 'scan' otherwise
    truncate: see `decode.relax`
    absorb: id that replaces everything after its first occurrence in a sample
      that D reads; None keeps the sample
    unroll: see `ops.devices.unroll`
    by_class: classes of the rows, int32 [B] -> adversarial loss, which replaces
      `loss` where batches have classes. A sample then has the class of the real
      text in its row. None draws the classes of samples, and ignores them.
  """

  generator: Generator
  discriminator: Discriminator
  length: int
  loss: AdversarialLoss | None
  weight: float
  penalty: float
  beta: Callable[[Array], Array]
  start: int
  one_hot: bool
  stochastic: bool
  feedback: str
  route: str
  truncate: Callable[[Array], Array]
  absorb: int | None
  unroll: int
  by_class: Callable[[Array], AdversarialLoss] | None = None

  def beta_at(self, state: TrainState) -> Array:
    """Returns the inverse temperature of the current iteration."""
    return self.beta(state.step - self.start)

  def _rules(self, labels: Array | None) -> AdversarialLoss | None:
    """Returns the adversarial loss of a batch."""
    if self.by_class is None or labels is None:
      return self.loss
    return self.by_class(labels)

  def _context(self, labels: Array | None) -> Array | None:
    """Returns the classes of samples, or None to draw them."""
    return self.generator.context(labels) if self.by_class else None

  def relaxed(
    self,
    params: Params,
    phi: Params,
    state: TrainState,
    n: int,
    key: Array,
    labels: Array | None = None,
  ) -> decode.Relaxed:
    """Draws relaxed samples in D's embedding, with a gradient to `params`.

    Args:
      params: parameters of G
      phi: parameters of D. The scan multiplies the relaxed tokens by D's
        embedding, so that no array [n, T, V] is stored.
      state: the training state, which gives the inverse temperature
      n: number of samples
      key: key of the noise
      labels: int32 [n], see `by_class`; None draws the classes

    Returns:
      The samples; `relaxed` is [n, T, E].
    """
    sample = decode.relax(
      self.generator,
      params,
      random.row_keys(key, n),
      self.beta_at(state),
      route=self._route(),
      context=self._context(labels),
      project=lambda relaxed: self.discriminator.embed(phi, relaxed),
      **self._relax_options(),
    )
    ended = self._ended(phi, sample.tokens, sample.relaxed)
    return sample._replace(relaxed=ended)

  def _ended(self, phi: Params, tokens: Array, embedded: Array) -> Array:
    """Replaces positions after the first `absorb` of each row.

    Args:
      phi: parameters of D
      tokens: int32 [n, T], the samples
      embedded: [n, T, E], the same samples in D's embedding

    Returns:
      [n, T, E].
    """
    if self.absorb is None:
      return embedded
    written = end_mask(tokens, self.absorb)
    pad = self.discriminator.embed(phi, jnp.full_like(tokens, self.absorb))
    return jnp.where(written[..., None], embedded, pad)

  def _route(self) -> str:
    """Returns the route of the gradient, for the device of the program."""
    if self.route != 'platform':
      return self.route
    # Counts of compiled programs say so, and on a CPU times; see NOTES.md.
    after = self.feedback == 'hard' and devices.platform() == 'gpu'
    return 'after' if after else 'scan'

  def _relax_options(self) -> dict:
    """Returns the options of `decode.relax` that both players use."""
    return {
      'length': self.length,
      'one_hot': self.one_hot,
      'stochastic': self.stochastic,
      'feedback': self.feedback,
      'truncate': self.truncate,
      'unroll': self.unroll,
    }

  def _latent(self, row_keys: Array) -> Array | None:
    """Returns the latent noise [n, Z] of samples, or None."""
    draw = self.generator.latent
    return None if draw is None else draw(row_keys)

  def judge_text(
    self, phi: Params, tokens: Array, key: Array | None
  ) -> Critique:
    """Returns D's critique of real text.

    Args:
      phi: parameters of D
      tokens: int32 [B, T]
      key: key of the dropout mask; None for no dropout
    """
    disc = self.discriminator
    return disc.judge(phi, disc.embed(phi, tokens), key)

  def _draw(self, state: TrainState, real: Batch, key: Array) -> DrawnBatches:
    """Draws the samples of all k updates of D in one scan of the frozen G."""
    count, batch = real.tokens.shape[:2]
    # B leads, so that sharding the flattened axis splits each of the k batches
    # over the devices.
    row_keys = random.row_keys(key, count * batch).reshape(count, batch, 2)
    row_keys = devices.split(jnp.swapaxes(row_keys, 0, 1).reshape(-1, 2))
    labels = None if real.labels is None else real.labels.T.ravel()
    drawn = decode.relax(
      self.generator,
      state.players['generator'].params,
      row_keys,
      self.beta_at(state),
      project=lambda relaxed: (),
      context=self._context(labels),
      **self._relax_options(),
    )
    tokens, hidden, row_keys = jax.tree.map(
      lambda x: jnp.swapaxes(x.reshape(batch, count, *x.shape[1:]), 0, 1),
      (drawn.tokens, drawn.hidden, row_keys),
    )
    return DrawnBatches(real, tokens, hidden, row_keys)

  def _fake(self, phi: Params, state: TrainState, drawn: DrawnBatches) -> Array:
    """Embeds the samples of one batch, with a gradient to `phi`.

    Args:
      phi: parameters of D
      state: the training state, with the frozen G
      drawn: the samples of this batch, without the axis k

    Returns:
      [B, T, E].

    Every update changes D's embedding, which needs a gradient. The relaxed
    tokens [B, T, V] are therefore recomputed from hidden states and noise for
    one batch at a time. Storing those of all batches would take k times the
    memory.
    """
    embed = self.discriminator.embed
    if self.one_hot:
      return self._ended(phi, drawn.tokens, embed(phi, drawn.tokens))
    logits = self.truncate(
      self.generator.readout(state.players['generator'].params, drawn.hidden)
    )
    beta = self.beta_at(state)
    if self.stochastic:
      noise = decode.noise(drawn.row_keys, self.length, logits.shape[-1])
      relaxed = gumbel_softmax(logits, noise, beta)
    else:
      relaxed = soft_argmax(logits, beta)
    return self._ended(phi, drawn.tokens, embed(phi, relaxed))

  def generator_loss(self, *extra: Callable) -> Loss:
    """Returns the loss of G with D frozen (MoEGAN Eq 7 and 9).

    Args:
      *extra: terms to add, (params, phi, TermInputs, key) -> value, metrics

    Returns:
      A Loss: weight times the adversarial loss, plus the terms.
    """

    def loss(params, state, batch, key):
      k_noise, k_real, k_fake = jax.random.split(key, 3)
      phi = state.players['discriminator'].params
      n = batch.tokens.shape[0]
      labels, rules = batch.labels, self._rules(batch.labels)
      drawn = self.relaxed(params, phi, state, n, k_noise, labels)
      embedded = drawn.relaxed
      real = self.judge_text(phi, batch.tokens, k_real)
      fake = self.discriminator.judge(phi, embedded, k_fake)
      value, metrics = jnp.float32(0), {'beta': self.beta_at(state)}
      if rules is not None:
        g_loss = rules.generator(logits_of(real), logits_of(fake))
        value, metrics = self.weight * g_loss, metrics | {'g_loss': g_loss}
      inputs = TermInputs(batch.tokens, embedded, real, fake, None)
      for i, term in enumerate(extra):
        # The split above uses fold_in(key, 0) to fold_in(key, 2).
        k_term = jax.random.fold_in(key, 3 + i)
        term_value, term_metrics = term(params, phi, inputs, k_term)
        value, metrics = value + term_value, metrics | term_metrics
      return value, metrics

    return loss

  def discriminator_updates(
    self,
    optimizer: optax.GradientTransformation,
    times: int,
    *extra: Callable,
  ) -> Update:
    """Builds k updates of D with G frozen (MoEGAN Eq 7 and 8).

    Args:
      optimizer: the optimizer of D
      times: k
      *extra: terms to add, (phi, TermInputs, key) -> value, metrics

    Returns:
      An Update of k batches. Each of its steps reads a new real batch and a new
      generated batch.
    """
    disc = self.discriminator

    def loss(phi, state, drawn, key):
      k_real, k_fake, k_penalty, k_extra = jax.random.split(key, 4)
      real = disc.embed(phi, drawn.real.tokens)
      fake = self._fake(phi, state, drawn)
      inputs = TermInputs(
        drawn.real.tokens,
        fake,
        disc.judge(phi, real, k_real),
        disc.judge(phi, fake, k_fake),
        self._latent(drawn.row_keys),
      )
      value, metrics = jnp.float32(0), {}
      rules = self._rules(drawn.real.labels)
      if rules is not None:
        a, b = logits_of(inputs.real), logits_of(inputs.fake)
        value = rules.discriminator(a, b)
        metrics = {'d_loss': value, 'd_real': a.mean(), 'd_fake': b.mean()}
      if self.loss is not None and on(self.penalty):
        # Dropout would make the penalised function random.
        def score(x):
          logits = logits_of(disc.judge(phi, x, None))
          return logits.reshape(x.shape[0], -1).mean(1)

        gradient = gradient_penalty(
          score, real, fake, disc.gram(phi), k_penalty
        )
        value = value + self.penalty * gradient
        metrics |= {'d_penalty': gradient}
      for i, term in enumerate(extra):
        k_term = jax.random.fold_in(k_extra, i)
        term_value, term_metrics = term(phi, inputs, k_term)
        value, metrics = value + term_value, metrics | term_metrics
      return value, metrics

    update = gradient_update('discriminator', optimizer, loss)
    return repeat(update, times, self._draw)
