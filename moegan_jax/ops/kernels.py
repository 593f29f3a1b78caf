"""Distances between two samples in the feature space of a Gaussian kernel."""

from collections.abc import Sequence

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError

Array = jax.Array


@jax.checkpoint
def squared_distances(x: Array, y: Array) -> Array:
  """|| x_i - y_j ||^2 for all pairs, [n, m].

  By differences and not by |x|^2 + |y|^2 - 2 x.y, which cancels where points
  are close. The differences are not kept for the backward pass, which computes
  them anew: with their F numbers a pair they are by far the largest array.

  Args:
    x: [n, F]
    y: [m, F]
  """
  chex.assert_rank([x, y], 2)
  chex.assert_equal_shape_suffix([x, y], 1)
  return jnp.sum((x[:, None] - y[None]) ** 2, axis=-1)


def check_bandwidths(bandwidths: Sequence[float]) -> None:
  """Refuses what is no bank of kernels.

  Raises:
    UserError: no bandwidth, or one that is not positive.
  """
  if not bandwidths or not all(0 < s < float('inf') for s in bandwidths):
    raise UserError(
      f'the bandwidths are {list(bandwidths)}; give positive numbers, at '
      'least one'
    )


def mmd_squared(x: Array, y: Array, bandwidths: Sequence[float]) -> Array:
  """The squared maximum mean discrepancy, biased, of a bank of kernels.

  mean k(x, x') + mean k(y, y') - 2 mean k(x, y), with means over all pairs,
  the pairs of a point with itself among them (the V-statistic of Gretton et
  al. 2012, Eq 5, which is never negative but for rounding), and
  k(a, b) = exp(-|a - b|^2 / (2 sigma^2)). The kernel of a bank is the mean of
  its kernels, not their sum: the scale does not depend on the bank's size.

  What is averaged is k - 1, which changes nothing, since the ones cancel, and
  keeps its digits where a kernel is so wide that all of k is close to one.

  Args:
    x: [n, F]
    y: [m, F]; the sizes may differ
    bandwidths: the sigmas, positive, at least one

  Returns:
    A scalar in [0, 2].

  Raises:
    UserError: no bandwidth, or one that is not positive.
  """
  check_bandwidths(bandwidths)
  pairs = (
    (1.0, squared_distances(x, x)),
    (1.0, squared_distances(y, y)),
    (-2.0, squared_distances(x, y)),
  )
  total = 0.0
  for sigma in bandwidths:
    for sign, squared in pairs:
      # In two steps: sigma^2 may leave the range of float32.
      total += sign * jnp.mean(jnp.expm1(-0.5 * (squared / sigma) / sigma))
  return total / len(bandwidths)


def mmd(
  x: Array, y: Array, bandwidths: Sequence[float], eps: float = 1e-8
) -> Array:
  """The maximum mean discrepancy, the root of `mmd_squared`.

  As in `distances.centroid_distance`, what is computed is
  sqrt(m + eps) - sqrt(eps): finite in its gradient at zero, and within
  sqrt(eps) of the root elsewhere.

  Args:
    x: [n, F]
    y: [m, F]
    bandwidths: as in `mmd_squared`
    eps: where the root gives way to a line, as a squared discrepancy

  Returns:
    A scalar, not negative.
  """
  # Rounding may leave the square below zero, and below -eps.
  squared = jnp.maximum(mmd_squared(x, y, bandwidths), 0.0)
  return squared / (jnp.sqrt(squared + eps) + eps**0.5)
