"""Maximum mean discrepancy of two samples under Gaussian kernels."""

import functools
from collections.abc import Sequence

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError

Array = jax.Array


@jax.checkpoint
def squared_distances(x: Array, y: Array) -> Array:
  """Returns || x_i - y_j ||^2 for all pairs.

  Args:
    x: [n, F]
    y: [m, F]

  Returns:
    [n, m]

  The differences are squared directly. The expansion |x|^2 + |y|^2 - 2 x.y
  would cancel for close points. The array of differences [n, m, F] is
  recomputed in the backward pass, because it is much larger than the result.
  """
  chex.assert_rank([x, y], 2)
  chex.assert_equal_shape_suffix([x, y], 1)
  return jnp.sum((x[:, None] - y[None]) ** 2, axis=-1)


def check_bandwidths(bandwidths: Sequence[float]) -> None:
  """Checks the bandwidths of a bank of kernels.

  Raises:
    UserError: there is no bandwidth, or one is not positive and finite.
  """
  if not bandwidths or not all(0 < s < float('inf') for s in bandwidths):
    raise UserError(
      f'mmd.bandwidths={list(bandwidths)} must be one or more positive numbers'
    )


def mmd_squared(x: Array, y: Array, bandwidths: Sequence[float]) -> Array:
  """Returns the biased squared maximum mean discrepancy of a bank of kernels.

  Args:
    x: [n, F]
    y: [m, F]; the sizes may differ
    bandwidths: one or more positive sigmas, in the unit of the features

  Returns:
    A scalar in [0, 2].

  Raises:
    UserError: there is no bandwidth, or one is not positive and finite.

  This is mean k(x, x') + mean k(y, y') - 2 mean k(x, y) with k(a, b) = exp(-|a
  - b|^2 / (2 sigma^2)). The means include the pairs of a point with itself, as
  in the V-statistic of Gretton et al. 2012, Eq 5, which is never negative apart
  from rounding. The kernel is the mean over the bandwidths, not their sum, so
  the scale does not depend on their number.

  The code averages k - 1. The ones cancel in exact arithmetic, and the digits
  are kept where a kernel is so wide that all values of k are close to one.
  """
  check_bandwidths(bandwidths)
  pairs = (
    (1.0, squared_distances(x, x)),
    (1.0, squared_distances(y, y)),
    (-2.0, squared_distances(x, y)),
  )
  terms = [
    # Divided twice because sigma^2 may leave the range of float32.
    sign * jnp.mean(jnp.expm1(-0.5 * (squared / sigma) / sigma))
    for sigma in bandwidths
    for sign, squared in pairs
  ]
  return functools.reduce(jnp.add, terms) / len(bandwidths)


def mmd(
  x: Array, y: Array, bandwidths: Sequence[float], eps: float = 1e-8
) -> Array:
  """Returns the maximum mean discrepancy, the root of `mmd_squared`.

  Args:
    x: [n, F]
    y: [m, F]
    bandwidths: as in `mmd_squared`
    eps: squared discrepancy below which the root is smoothed to a line

  Returns:
    A scalar >= 0.

  Raises:
    UserError: as in `mmd_squared`.

  With m the squared discrepancy this computes sqrt(m + eps) - sqrt(eps), as in
  `distances.centroid_distance`. The gradient is finite at zero, and the value
  is within sqrt(eps) of the root.
  """
  # Rounding may make the square negative, even less than -eps.
  squared = jnp.maximum(mmd_squared(x, y, bandwidths), 0.0)
  return squared / (jnp.sqrt(squared + eps) + eps**0.5)
