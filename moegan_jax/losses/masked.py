"""Masks, rewards and losses of MaskGAN (Fedus et al. 2018)."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array

MASKS = ('contiguous', 'random')
_TINY = 1e-7  # added to a probability before its logarithm, as in the code


def draw_given(
  key: Array, n: int, length: int, *, mask: str, present: float, whole: float
) -> Array:
  """Draws which tokens are given.

  Args:
    key: typed PRNG key
    n: number of rows
    length: T
    mask: 'contiguous' masks a block of round((1 - present) T) tokens at a
      random place, 'random' masks each token independently
    present: share of tokens that are given
    whole: share of rows in which nothing is given

  Returns:
    bool [n, T].
  """
  k_place, k_whole = jax.random.split(key)
  if mask == 'contiguous':
    size = round((1 - present) * length)
    first = jax.random.randint(k_place, (n, 1), 0, length - size + 1)
    t = jnp.arange(length)[None]
    given = (t < first) | (t >= first + size)
  else:
    given = jax.random.bernoulli(k_place, present, (n, length))
  return given & ~jax.random.bernoulli(k_whole, whole, (n, 1))


def masked_mean(values: Array, counted: Array) -> Array:
  """Returns the mean of values [n, T] where `counted`; 0 without any."""
  chex.assert_equal_shape([values, counted])
  total = jnp.sum(values, where=counted)
  return total / jnp.maximum(jnp.sum(counted), 1)


def masked_cross_entropy(
  real: Array, fake: Array, real_counted: Array, fake_counted: Array
) -> Array:
  """Returns the loss of D on masked positions.

  Args:
    real: [n, T], logits of real text
    fake: [n, T], logits of filled text
    real_counted: bool [n, T], masked positions of real text
    fake_counted: bool [n, T], masked positions of filled text

  Returns:
    A scalar, half for real text and half for filled text, each a mean over its
    masked positions. Given tokens are real in both, so they have no weight.
  """
  ours = masked_mean(jax.nn.softplus(-real), real_counted)
  theirs = masked_mean(jax.nn.softplus(fake), fake_counted)
  return (ours + theirs) / 2


def log_rewards(logits: Array, counted: Array) -> Array:
  """Returns r_t = log(D_t + 1e-7) where `counted`, and 0 elsewhere.

  Args:
    logits: [n, T] of D
    counted: bool [n, T], masked positions
  """
  return jnp.where(counted, jnp.log(jax.nn.sigmoid(logits) + _TINY), 0)
