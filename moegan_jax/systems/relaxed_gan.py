"""A GAN on relaxed samples, which RelGAN, MoEGAN, CCL and others share.

The generator's relaxed samples reach the discriminator with their gradient; the
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
)
from moegan_jax.ops import devices, random
from moegan_jax.ops.arrays import on
from moegan_jax.ops.ends import end_mask
from moegan_jax.ops.relaxation import gumbel_softmax, soft_argmax
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


class TermInputs(NamedTuple):
  """Arguments of a further term of a player's loss.

  tokens: int32 [B, T], real text
  embedded: [B, T, E], generated samples in the discriminator's embedding
  real, fake: Critique of real and generated text, with dropout
  latent: [B, Z], the latent noise of the samples; None without latent noise
  """

  tokens: Array
  embedded: Array
  real: Critique
  fake: Critique
  latent: Array | None


class _Drawn(NamedTuple):
  """Real text and samples of the frozen generator, for k discriminator updates.

  real: Batch, tokens [k, B, T]
  tokens: int32 [k, B, T]
  hidden: [k, B, T, H]
  rows: uint32 [k, B, 2], the keys of the samples' noise
  """

  real: Batch
  tokens: Array
  hidden: Array
  rows: Array


class RelaxedGAN(NamedTuple):
  """Two players and the rules of their updates. G: generator, D: discriminator.

  loss: adversarial loss of both players; None if D has no logit
  weight: of the loss for G; 0 leaves G its other terms
  penalty: weight of the gradient penalty
  beta: number of adversarial updates done -> inverse temperature
  start: step of the run at which the adversarial phase begins
  hard: straight-through samples: D reads one-hot rows
  stochastic, feedback, route, truncate: see `decode.relax`
  absorb: after the first occurrence of this id D reads this id only; None: D
    reads the whole sample
  """

  generator: Generator
  discriminator: Discriminator
  length: int
  loss: AdversarialLoss | None
  weight: float
  penalty: float
  beta: Callable[[Array], Array]
  start: int
  hard: bool
  stochastic: bool
  feedback: str
  route: str
  truncate: Callable[[Array], Array]
  absorb: int | None
  unroll: int

  def beta_at(self, state: TrainState) -> Array:
    return self.beta(state.step - self.start)

  def generate(
    self, params: Params, phi: Params, state: TrainState, n: int, key: Array
  ) -> Array:
    """Embedded relaxed samples [n, T, E] with a gradient to `params`.

    Args:
      phi: parameters of D. The relaxed rows are multiplied by D's embedding
        inside the scan, so that no array [n, T, V] is kept.
    """
    made = decode.relax(
      self.generator,
      params,
      random.row_keys(key, n),
      self.beta_at(state),
      route=self.route,
      contract=lambda rows: self.discriminator.embed(phi, rows),
      **self._rules(),
    )
    return self._ended(phi, made.tokens, made.rows)

  def _ended(self, phi: Params, tokens: Array, embedded: Array) -> Array:
    """Replaces positions after the first `absorb` of each row.

    Args:
      tokens: int32 [n, T], the samples
      embedded: [n, T, E], the same samples in D's embedding
    """
    if self.absorb is None:
      return embedded
    written = end_mask(tokens, self.absorb)
    pad = self.discriminator.embed(phi, jnp.full_like(tokens, self.absorb))
    return jnp.where(written[..., None], embedded, pad)

  def _rules(self) -> dict:
    """Arguments of `decode.relax` for samples of either player's update."""
    return {
      'length': self.length,
      'hard': self.hard,
      'stochastic': self.stochastic,
      'feedback': self.feedback,
      'truncate': self.truncate,
      'unroll': self.unroll,
    }

  def _latent(self, rows: Array) -> Array | None:
    draw = self.generator.latent
    return None if draw is None else draw(rows)

  def judge_text(self, phi: Params, tokens: Array, key: Array) -> Critique:
    """The critique of real text [B, T]; `key` None: without dropout."""
    disc = self.discriminator
    return disc.judge(phi, disc.embed(phi, tokens), key)

  def _draw(self, state: TrainState, real: Batch, key: Array) -> _Drawn:
    """Samples for all k updates of D, during which G is frozen."""
    count, batch = real.tokens.shape[:2]
    # Order [B, k]: a device that holds a block of rows holds the same block of
    # every batch.
    rows = random.row_keys(key, count * batch).reshape(count, batch, 2)
    rows = devices.split(jnp.swapaxes(rows, 0, 1).reshape(-1, 2))
    drawn = decode.relax(
      self.generator,
      state.players['generator'].params,
      rows,
      self.beta_at(state),
      contract=lambda rows: (),
      **self._rules(),
    )
    tokens, hidden, rows = jax.tree.map(
      lambda x: jnp.swapaxes(x.reshape(batch, count, *x.shape[1:]), 0, 1),
      (drawn.tokens, drawn.hidden, rows),
    )
    return _Drawn(real, tokens, hidden, rows)

  def _fake(self, phi: Params, state: TrainState, drawn: _Drawn) -> Array:
    """Embedded samples [B, T, E] of one batch, with a gradient to `phi`.

    D's embedding changes with every update and needs a gradient. The relaxed
    rows [B, T, V] are therefore rebuilt from hidden states and noise, one batch
    at a time, which takes a k-th of the memory of all batches.
    """
    embed = self.discriminator.embed
    if self.hard:
      return self._ended(phi, drawn.tokens, embed(phi, drawn.tokens))
    logits = self.truncate(
      self.generator.readout(state.players['generator'].params, drawn.hidden)
    )
    beta = self.beta_at(state)
    if self.stochastic:
      noise = decode.noise(drawn.rows, self.length, logits.shape[-1])
      rows = gumbel_softmax(logits, noise, beta)
    else:
      rows = soft_argmax(logits, beta)
    return self._ended(phi, drawn.tokens, embed(phi, rows))

  def generator_loss(self, *extra: Callable) -> Loss:
    """The adversarial loss of G with D frozen (MoEGAN Eq 7-8).

    Args:
      extra: further terms, (params, phi, TermInputs, key) -> loss, metrics
    """

    def loss(params, state, batch, key):
      k_noise, k_real, k_fake = jax.random.split(key, 3)
      phi = state.players['discriminator'].params
      n = batch.tokens.shape[0]
      embedded = self.generate(params, phi, state, n, k_noise)
      real = self.judge_text(phi, batch.tokens, k_real)
      fake = self.discriminator.judge(phi, embedded, k_fake)
      value, metrics = jnp.float32(0), {'beta': self.beta_at(state)}
      if self.loss is not None:
        play = self.loss.generator(real.logits, fake.logits)
        value, metrics = self.weight * play, metrics | {'g_loss': play}
      inputs = TermInputs(batch.tokens, embedded, real, fake, None)
      for i, term in enumerate(extra):
        # Part i of a split is fold_in(key, i): 3 and above are unused.
        more, own = term(params, phi, inputs, jax.random.fold_in(key, 3 + i))
        value, metrics = value + more, metrics | own
      return value, metrics

    return loss

  def discriminator_updates(
    self,
    optimizer: optax.GradientTransformation,
    times: int,
    *extra: Callable,
  ) -> Update:
    """k updates of D on new real and generated batches (MoEGAN Eq 8).

    Args:
      extra: further terms, (phi, TermInputs, key) -> loss, metrics
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
        self._latent(drawn.rows),
      )
      value, metrics = jnp.float32(0), {}
      if self.loss is not None:
        a, b = inputs.real.logits, inputs.fake.logits
        value = self.loss.discriminator(a, b)
        metrics = {'d_loss': value, 'd_real': a.mean(), 'd_fake': b.mean()}
      if self.loss is not None and on(self.penalty):
        # Without dropout, so that the penalised function is the same.
        def score(x):
          logits = disc.judge(phi, x, None).logits
          return logits.reshape(x.shape[0], -1).mean(1)

        gradient = gradient_penalty(
          score, real, fake, disc.gram(phi), k_penalty
        )
        value = value + self.penalty * gradient
        metrics |= {'d_penalty': gradient}
      for i, term in enumerate(extra):
        more, own = term(phi, inputs, jax.random.fold_in(k_extra, i))
        value, metrics = value + more, metrics | own
      return value, metrics

    update = gradient_update('discriminator', optimizer, loss)
    return repeat(update, times, self._draw)
