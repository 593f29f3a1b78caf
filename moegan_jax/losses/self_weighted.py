"""The loss of JSDGAN, which weights sequences by their own probability."""

import math

import chex
import jax
import jax.numpy as jnp
from jax.nn import log_softmax, softmax, softplus

from moegan_jax.errors import UserError, unknown

Array = jax.Array

NORMALISATIONS = ('minmax', 'softmax', 'none')


def jsd_weights(log_probs: Array, n_data: int, normalise: str) -> Array:
  """Returns the derivative of the Jensen-Shannon objective in every log p.

  Args:
    log_probs: [B], finite log-likelihoods of training sentences, in nats
    n_data: number of training sentences, used by 'none' only
    normalise: 'minmax', 'softmax' or 'none'

  Returns:
    [B], not positive.

  Raises:
    UserError: an unknown normalisation, or fewer than one sentence.

  Reference: Li et al. 2019. With an explicit density p the optimal
  discriminator is p_data / (p_data + p). Restricted to training text, the
  objective is

      J = sum_x p_data log(p_data / (p_data + p)) + p log(p / (p_data + p)).

  Its derivative in log p(x) is w = p log(p / (p + p_data)), which is negative.
  Descending J therefore raises the likelihood of training text, most where it
  is already high.

  exp(log p) underflows in float32 below -104 and in float64 below -746, which
  sentences of moderate length reach. All computations therefore use logarithms.
  `normalise` selects one of three readings of p:

      minmax    p shifted and scaled so that the batch spans 0 to 1, but at
                least 1e-10, with p_data = 1 / B, as in TextGAN-PyTorch. Equal
                values are all scaled to 1 here, and to 1e-10 in
                TextGAN-PyTorch.
      softmax   p divided by the sum over the batch, with p_data = 1 / B
      none      p itself, with p_data = 1 / n_data. The weights are divided by
                the sum of their absolute values, because they underflow like p.
  """
  chex.assert_rank(log_probs, 1)
  if normalise not in NORMALISATIONS:
    raise unknown('jsd.normalise', normalise, NORMALISATIONS)
  if n_data < 1:
    raise UserError(f'n_data={n_data} must be at least 1')
  if normalise == 'none':
    return -softmax(_log_magnitudes(log_probs, n_data))
  log_p = (_log_minmax if normalise == 'minmax' else log_softmax)(log_probs)
  return -jnp.exp(_log_magnitudes(log_p, log_probs.size))


def self_weighted(log_probs: Array, n_data: int, normalise: str) -> Array:
  """Returns sum_x w(x) log p(x), with constant weights from `jsd_weights`.

  Args:
    log_probs: [B], finite log-likelihoods of training sentences, in nats
    n_data: as in `jsd_weights`
    normalise: as in `jsd_weights`

  Returns:
    A scalar. Only its gradient is meaningful: it equals that of the
    Jensen-Shannon objective.

  Raises:
    UserError: as in `jsd_weights`.
  """
  fixed = jax.lax.stop_gradient(log_probs)
  return jnp.sum(jsd_weights(fixed, n_data, normalise) * log_probs)


def _log_magnitudes(log_p: Array, n: int) -> Array:
  """Returns log |w| of w = -p log(1 + p_data / p), with p_data = 1 / n."""
  return log_p + jnp.log(softplus(-math.log(n) - log_p))


def _log_minmax(log_probs: Array, floor: float = 1e-10) -> Array:
  """Returns log of (p - min p) / (max p - min p), at least log floor."""
  # Relative to the largest value, to keep the digits of the differences.
  log_p = log_probs - jnp.max(log_probs)
  low = jnp.min(log_p)
  # log (p - min p) = log p + log (1 - min p / p)
  above = log_p + jnp.log(-jnp.expm1(low - log_p))
  scaled = jnp.where(log_p == 0, 0.0, above - jnp.log(-jnp.expm1(low)))
  return jnp.maximum(scaled, math.log(floor))
