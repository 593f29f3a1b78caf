"""Similarities of feature vectors, and distances between their centroids."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def unit(x: Array, eps: float = 1e-8) -> Array:
  """Divides vectors [..., F] by their length; a zero vector stays zero.

  Args:
    x: [..., F]
    eps: lower bound of the squared length
  """
  squared = jnp.sum(x**2, axis=-1, keepdims=True)
  return x * jax.lax.rsqrt(jnp.maximum(squared, eps))


def cosines(
  x: Array, y: Array, eps: float = 1e-8, precision: str | None = None
) -> Array:
  """Returns cos(x_i, y_j) for all pairs.

  Args:
    x: [n, F]
    y: [m, F]
    eps: lower bound of the squared length by which vectors are normalised
    precision: of the matrix product, see `jax.lax.Precision`

  Returns:
    [n, m] in [-1, 1]. At a zero vector the cosine is zero and its gradient is
    finite.
  """
  chex.assert_rank([x, y], 2)
  chex.assert_equal_shape_suffix([x, y], 1)
  return jnp.matmul(unit(x, eps), unit(y, eps).T, precision=precision)


def centroid_distance(real: Array, fake: Array, eps: float = 1e-8) -> Array:
  """Returns the Euclidean distance between the mean features of two batches.

  Args:
    real: [B, F]
    fake: [B', F]; the batch sizes may differ
    eps: squared length below which the norm is smoothed to a parabola

  Returns:
    A scalar in the unit of the features.

  MoEGAN Eq 6: Delta_F = || mean_b F(x_r) - mean_b F(x_f) ||_2, not squared.
  With d the difference of the means this computes sqrt(sum d^2 + eps) -
  sqrt(eps), which is within sqrt(eps) of the norm. Value and gradient are zero
  where the means are equal.
  """
  chex.assert_rank([real, fake], 2)
  chex.assert_equal_shape_suffix([real, fake], 1)
  squared = jnp.sum((jnp.mean(real, axis=0) - jnp.mean(fake, axis=0)) ** 2)
  # Equals sqrt(x + eps) - sqrt(eps), without cancellation near zero.
  return squared / (jnp.sqrt(squared + eps) + eps**0.5)


def joint_centroid_distance(
  real: Array, fake: Array, eps: float = 1e-8
) -> Array:
  """Returns the centroid distance over batch and representations together.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    eps: as in `centroid_distance`

  Returns:
    A scalar in the unit of the features.

  MoEGAN does not specify several representations. Here each representation
  counts as one more sample of F. For S = 1 this is Eq 6.
  """
  _check_representations(real, fake)
  width = real.shape[-1]
  return centroid_distance(
    real.reshape(-1, width), fake.reshape(-1, width), eps
  )


def per_rep_centroid_distance(
  real: Array, fake: Array, eps: float = 1e-8
) -> Array:
  """Returns the mean of the centroid distances of the S representations.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    eps: as in `centroid_distance`

  Returns:
    A scalar in the unit of the features.

  This reduction is stricter than the joint one, because differences in one
  representation cannot cancel those in another. For S = 1 this is Eq 6.
  """
  _check_representations(real, fake)
  distances = jax.vmap(
    lambda r, f: centroid_distance(r, f, eps), in_axes=1, out_axes=0
  )(real, fake)
  return jnp.mean(distances)


# name of the reduction over representations -> (real, fake, eps) -> scalar
CENTROID_DISTANCES = {
  'joint': joint_centroid_distance,
  'per_rep': per_rep_centroid_distance,
}


def _check_representations(real: Array, fake: Array) -> None:
  chex.assert_rank([real, fake], 3)
  chex.assert_equal_shape_suffix([real, fake], 2)
