"""Adds counter-contrastive learning to a relaxed GAN (CCL paper, Eq 3)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import optax

from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.counter_contrastive import counter_contrastive
from moegan_jax.ops.arrays import on, traced
from moegan_jax.systems.relaxed_gan import RelaxedGAN
from moegan_jax.types import Array, Params, Update
from moegan_jax.updates import gradient_update


class Contrast(NamedTuple):
  """The counter-contrastive loss of a relaxed GAN.

  Attributes:
    gan: the relaxed GAN
    weight: weight of the loss, 1 in the paper; 0: no loss
    temperature: divides the cosines
    reps: 'flatten' or 'per_rep', see `counter_contrastive`
    updates: 'generator', or 'both' to add Eq 3 to the discriminator's loss too
    resample: whether the second generator update draws new noise; False reuses
      the noise of the adversarial update
  """

  gan: RelaxedGAN
  weight: float
  temperature: float = 0.5
  reps: str = 'flatten'
  updates: str = 'generator'
  resample: bool = True

  @classmethod
  def from_settings(cls, gan: RelaxedGAN, **settings) -> 'Contrast':
    """Builds the loss from the section `ccl` of a configuration.

    Args:
      gan: the relaxed GAN
      **settings: the section `ccl`

    Raises:
      UserError: an unknown option, or a value out of range.
    """
    contrast = cls(gan, **settings)
    for name, value, valid in (
      ('updates', contrast.updates, ('generator', 'both')),
      ('reps', contrast.reps, ('flatten', 'per_rep')),
    ):
      if value not in valid:
        raise unknown(f'ccl.{name}', value, valid)
    weight, temperature = contrast.weight, contrast.temperature
    if not traced(weight) and weight < 0:
      raise UserError(f'ccl.weight={weight} must not be negative')
    if not traced(temperature) and not temperature > 0:
      raise UserError(f'ccl.temperature={temperature} must be positive')
    return contrast

  def _value(self, phi: Params, tokens: Array, fake: Array, key: Array):
    """Computes Eq 3 for real and generated text.

    The anchor h and the positive h+ are the same real text with two dropout
    masks.

    Args:
      phi: parameters of D
      tokens: int32 [B, T], real text
      fake: [B, T, E], generated text in D's embedding
      key: key of the three dropout masks

    Returns:
      The weighted loss, and the loss without its weight.
    """
    k_anchor, k_positive, k_negative = jax.random.split(key, 3)
    value = counter_contrastive(
      self.gan.judge_text(phi, tokens, k_anchor).features,
      self.gan.judge_text(phi, tokens, k_positive).features,
      self.gan.discriminator.judge(phi, fake, k_negative).features,
      self.temperature,
      self.reps,
    )
    return self.weight * value, value

  def generator_updates(
    self, optimizer: optax.GradientTransformation
  ) -> tuple[Update, ...]:
    """Builds the second generator update, which minimises Eq 3.

    Args:
      optimizer: the optimizer of the adversarial update. Both updates share
        its state.

    Returns:
      One Update, or none if the weight is 0.
    """
    if not on(self.weight):
      return ()

    def loss(params, state, batch, key):
      # `key` is also the key of the adversarial update, which draws its noise
      # from the first part of this split.
      k_noise = jax.random.split(key, 3)[0]
      # That update uses fold_in(key, i) for small i only.
      k_new, k_dropout = jax.random.split(jax.random.fold_in(key, 98))
      phi = state.players['discriminator'].params
      fake = self.gan.relaxed(
        params,
        phi,
        state,
        batch.tokens.shape[0],
        k_new if self.resample else k_noise,
      ).relaxed
      value, contrast = self._value(phi, batch.tokens, fake, k_dropout)
      return value, {'ccl': contrast}

    return (gradient_update('generator', optimizer, loss),)

  def discriminator_terms(self) -> tuple[Callable, ...]:
    """Returns Eq 3 as a term of D's loss; none unless updates='both'."""
    if not on(self.weight) or self.updates == 'generator':
      return ()

    def term(phi, inputs, key):
      value, contrast = self._value(phi, inputs.tokens, inputs.embedded, key)
      return value, {'d_ccl': contrast}

    return (term,)
