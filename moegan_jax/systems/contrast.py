"""Counter-contrastive learning as an addition to a relaxed GAN (CCL, Eq 3)."""

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

  weight: of the loss; 0: none; the paper has 1
  temperature: of the cosines
  reps: 'flatten' or 'per_rep', see `counter_contrastive`
  updates: 'generator', or 'both' to add Eq 3 to the discriminator's loss too
  resample: draw new samples for this update, because the generator has changed;
    False: reuse the noise of the adversarial update
  """

  gan: RelaxedGAN
  weight: float
  temperature: float = 0.5
  reps: str = 'flatten'
  updates: str = 'generator'
  resample: bool = True

  @classmethod
  def from_settings(cls, gan: RelaxedGAN, **settings) -> 'Contrast':
    """Checks the settings of the section `ccl`.

    Raises:
      UserError: an unknown switch.
    """
    made = cls(gan, **settings)
    for name, value, valid in (
      ('updates', made.updates, ('generator', 'both')),
      ('reps', made.reps, ('flatten', 'per_rep')),
    ):
      if value not in valid:
        raise unknown(f'ccl.{name}', value, valid)
    known = not (traced(made.weight) or traced(made.temperature))
    if known and (made.weight < 0 or not made.temperature > 0):
      raise UserError(
        f'ccl.weight={made.weight} must not be negative and '
        f'ccl.temperature={made.temperature} must be positive'
      )
    return made

  def _value(self, phi: Params, tokens: Array, fake: Array, key: Array):
    """Eq 3 and its metrics; h and h+ are one text, two dropout masks."""
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
    """The second update of G, by Eq 3 alone; none where the weight is 0.

    It shares the optimizer, and its state, with the adversarial update.
    """
    if not on(self.weight):
      return ()

    def loss(params, state, batch, key):
      # The key of the adversarial update: its first part is the noise of its
      # samples.
      k_noise = jax.random.split(key, 3)[0]
      # Part i of a split is fold_in(key, i); 98 is beyond those of all terms.
      k_new, k_dropout = jax.random.split(jax.random.fold_in(key, 98))
      phi = state.players['discriminator'].params
      fake = self.gan.generate(
        params,
        phi,
        state,
        batch.tokens.shape[0],
        k_new if self.resample else k_noise,
      )
      value, contrast = self._value(phi, batch.tokens, fake, k_dropout)
      return value, {'ccl': contrast}

    return (gradient_update('generator', optimizer, loss),)

  def discriminator_terms(self) -> tuple[Callable, ...]:
    """Eq 3 as a further term of D's loss, for updates='both'."""
    if not on(self.weight) or self.updates == 'generator':
      return ()

    def term(phi, inputs, key):
      value, contrast = self._value(phi, inputs.tokens, inputs.embedded, key)
      return value, {'d_ccl': contrast}

    return (term,)
