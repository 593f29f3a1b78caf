"""Distances between two sets of feature vectors."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def centroid_distance(real: Array, fake: Array, eps: float = 1e-8) -> Array:
  """The distance between the mean features of two batches, MoEGAN Eq 6.

  Delta_F = || mean_b F(x_r) - mean_b F(x_f) ||_2, Euclidean and not squared.
  What is computed is sqrt(sum d^2 + eps) - sqrt(eps): zero at equality, where
  its gradient is zero too, and within sqrt(eps) of the norm elsewhere.

  Args:
    real: [B, F]
    fake: [B', F]; the batch sizes may differ
    eps: where the norm gives way to a parabola, as a squared length

  Returns:
    A scalar.
  """
  chex.assert_rank([real, fake], 2)
  chex.assert_equal_shape_suffix([real, fake], 1)
  squared = jnp.sum((jnp.mean(real, axis=0) - jnp.mean(fake, axis=0)) ** 2)
  # sqrt(x + eps) - sqrt(eps), multiplied out: no cancellation near zero.
  return squared / (jnp.sqrt(squared + eps) + eps**0.5)


def joint_centroid_distance(
  real: Array, fake: Array, eps: float = 1e-8
) -> Array:
  """One centroid over batch and representations.

  The paper is silent on more than one representation; this is the reading in
  which each of them is one more sample of F. For S = 1 it is Eq 6.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    eps: as in `centroid_distance`

  Returns:
    A scalar.
  """
  _check_representations(real, fake)
  width = real.shape[-1]
  return centroid_distance(
    real.reshape(-1, width), fake.reshape(-1, width), eps
  )


def per_rep_centroid_distance(
  real: Array, fake: Array, eps: float = 1e-8
) -> Array:
  """The mean over the S representations of the distances of their centroids.

  The stricter reading: representations cannot make up for one another. For
  S = 1 it is Eq 6 as well.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    eps: as in `centroid_distance`

  Returns:
    A scalar.
  """
  _check_representations(real, fake)
  distances = jax.vmap(
    lambda r, f: centroid_distance(r, f, eps), in_axes=1, out_axes=0
  )(real, fake)
  return jnp.mean(distances)


# reduction over representations -> (real, fake, eps) -> scalar
CENTROID_DISTANCES = {
  'joint': joint_centroid_distance,
  'per_rep': per_rep_centroid_distance,
}


def _check_representations(real: Array, fake: Array) -> None:
  chex.assert_rank([real, fake], 3)
  chex.assert_equal_shape_suffix([real, fake], 2)
