"""The policy that explores: a mixture of G and a cold policy (ColdGAN)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.ops.relaxation import truncate
from moegan_jax.systems.policy_gan import Drawn, PolicyGAN
from moegan_jax.types import Array, TrainState


class Exploration(NamedTuple):
  """The mixture p = epsilon G + (1 - epsilon) G_c of distributions of texts.

  Attributes:
    temperature: divides the logits of the cold policy G_c
    top_p: share of probability that G_c keeps at each step; 1: all
    epsilon: probability that a row is drawn from G
  """

  temperature: float
  top_p: float
  epsilon: float

  def draw(
    self, gan: PolicyGAN, state: TrainState, n: int, key: Array
  ) -> Drawn:
    """Draws n samples of p, each of them from G or from G_c.

    Args:
      gan: the generator
      state: the training state
      n: number of samples
      key: key of the choices and of the noise
    """
    k_choice, k_sample = jax.random.split(key)
    is_cold = jax.random.bernoulli(k_choice, 1 - self.epsilon, (n, 1))

    def cut(logits):
      return jnp.where(is_cold, truncate(logits, top_p=self.top_p), logits)

    temperature = jnp.where(is_cold, self.temperature, 1.0)
    return gan.draw(state, n, k_sample, temperature=temperature, truncate=cut)

  def log_densities(
    self, gan: PolicyGAN, state: TrainState, drawn: Drawn
  ) -> tuple[Array, Array]:
    """Returns log G(y) and log p(y) of texts up to their ends.

    Args:
      gan: the generator
      state: the training state
      drawn: B samples

    Returns:
      [B] and [B].
    """
    logits = decode.teacher_force(
      gan.train.gen,
      gan.train.parameters(state),
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


def exploration(
  *, temperature: float, top_p: float, epsilon: float
) -> Exploration:
  """Builds the exploration policy from settings of the section `coldgan`.

  Args:
    temperature: see Exploration
    top_p: see Exploration
    epsilon: see Exploration

  Raises:
    UserError: a value out of range.
  """
  if not temperature > 0:
    raise UserError(f'coldgan.temperature={temperature} must be positive')
  for name, value in (('top_p', top_p), ('epsilon', epsilon)):
    if not 0 < value <= 1:
      raise UserError(f'coldgan.{name}={value} must be in (0, 1]')
  return Exploration(temperature, top_p, epsilon)
