"""The loss of JSDGAN: sequences weighted by their own probability."""

import math

import chex
import jax
import jax.numpy as jnp
from jax.nn import log_softmax, softmax, softplus

from moegan_jax.errors import UserError, unknown

Array = jax.Array

NORMALISATIONS = ('minmax', 'softmax', 'none')


def jsd_weights(log_probs: Array, n_data: int, normalise: str) -> Array:
  """The derivative of the Jensen-Shannon objective in every log p.

  Li et al. 2019. With an explicit density the best discriminator is known,
  p_data / (p_data + p), and of training text alone there remains

    J = sum_x p_data log(p_data / (p_data + p)) + p log(p / (p_data + p)),

  whose derivative in log p(x) is w = p log(p / (p + p_data)). It is negative:
  to descend J is to raise the likelihood of training text, most of all where
  it is high already.

  exp(log p) leaves float32 at -104 and float64 at -746, which is no long
  sentence. So p has three readings, and all of them stay with logarithms:

    minmax    p moved and scaled so that the batch runs from 0 to 1, but at
              least 1e-10, against p_data = 1 / B: TextGAN-PyTorch. If all are
              equal they are all 1 (there: the least), since the largest is.
    softmax   p divided by the sum over the batch, p_data = 1 / B
    none      p as it is, p_data = 1 / n_data; the weights are divided by the
              sum of their absolute values, because they underflow as p does

  Args:
    log_probs: [B], log-likelihoods of sentences of training text, finite
    n_data: the number of sentences of training text, for 'none' only
    normalise: 'minmax', 'softmax' or 'none'

  Returns:
    [B], not positive.

  Raises:
    UserError: an unknown normalisation, or less than one sentence.
  """
  chex.assert_rank(log_probs, 1)
  if normalise not in NORMALISATIONS:
    raise unknown('normalise', normalise, NORMALISATIONS)
  if n_data < 1:
    raise UserError(f'n_data={n_data} must be at least 1')
  if normalise == 'none':
    return -softmax(_log_sizes(log_probs, n_data))
  log_p = {'minmax': _log_minmax, 'softmax': log_softmax}[normalise](log_probs)
  return -jnp.exp(_log_sizes(log_p, log_probs.size))


def self_weighted(log_probs: Array, n_data: int, normalise: str) -> Array:
  """sum_x w(x) log p(x), with the weights of `jsd_weights` as constants.

  Its value means little; its gradient is that of the Jensen-Shannon objective.

  Args:
    log_probs: [B], log-likelihoods of sentences of training text, finite
    n_data: as in `jsd_weights`
    normalise: as in `jsd_weights`

  Returns:
    A scalar.
  """
  fixed = jax.lax.stop_gradient(log_probs)
  return jnp.sum(jsd_weights(fixed, n_data, normalise) * log_probs)


def _log_sizes(log_p: Array, n: int) -> Array:
  """log |w|, of w = -p log(1 + p_data / p) with p_data = 1 / n."""
  return log_p + jnp.log(softplus(-math.log(n) - log_p))


def _log_minmax(log_probs: Array, floor: float = 1e-10) -> Array:
  """log of (p - min p) / (max p - min p), at least log floor."""
  # Relative to the largest, so that what is left has all its digits.
  log_p = log_probs - jnp.max(log_probs)
  low = jnp.min(log_p)
  # log (p - min p) = log p + log (1 - min p / p)
  above = log_p + jnp.log(-jnp.expm1(low - log_p))
  scaled = jnp.where(log_p == 0, 0.0, above - jnp.log(-jnp.expm1(low)))
  return jnp.maximum(scaled, math.log(floor))
