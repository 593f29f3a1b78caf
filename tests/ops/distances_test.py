"""Tests centroid distances against loops, at equality, and their gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.ops import distances

RNG = np.random.RandomState(0)
REAL = RNG.randn(4, 3, 5).astype(np.float32)
FAKE = RNG.randn(4, 3, 5).astype(np.float32) + 0.5
NAMES = sorted(distances.CENTROID_DISTANCES)


class DistancesTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_one_representation(self):
    got = self.variant(distances.centroid_distance)(REAL[:, 0], FAKE[:, 0])
    want = oracles.centroid_distance(REAL[:, 0], FAKE[:, 0])
    np.testing.assert_allclose(got, want, atol=2e-4)

  @chex.variants(with_jit=True, without_jit=True)
  def test_smoothing_by_eps(self):
    got = self.variant(distances.centroid_distance)(
      REAL[:, 0], FAKE[:, 0], 0.25
    )
    norm = oracles.centroid_distance(REAL[:, 0], FAKE[:, 0])
    np.testing.assert_allclose(got, (norm**2 + 0.25) ** 0.5 - 0.5, rtol=1e-5)

  def test_joint_pools_representations(self):
    got = distances.joint_centroid_distance(REAL, FAKE)
    want = oracles.centroid_distance(REAL.reshape(12, 5), FAKE.reshape(12, 5))
    np.testing.assert_allclose(got, want, atol=2e-4)

  def test_per_rep_averages_distances(self):
    got = distances.per_rep_centroid_distance(REAL, FAKE)
    want = np.mean(
      [oracles.centroid_distance(REAL[:, s], FAKE[:, s]) for s in range(3)]
    )
    np.testing.assert_allclose(got, want, atol=2e-4)

  def test_opposite_shifts_cancel_jointly_only(self):
    shift = np.zeros((1, 2, 5), np.float32)
    shift[0, :, 0] = 1, -1
    real, fake = REAL[:, :2], REAL[:, :2] + np.repeat(shift, 4, axis=0)
    joint = distances.joint_centroid_distance(real, fake)
    per_rep = distances.per_rep_centroid_distance(real, fake)
    np.testing.assert_allclose(joint, 0, atol=1e-4)
    np.testing.assert_allclose(per_rep, 1, atol=1e-3)

  @parameterized.parameters(*NAMES)
  def test_zero_with_finite_gradient_at_equality(self, name):
    distance = distances.CENTROID_DISTANCES[name]
    value, grad = jax.value_and_grad(distance, argnums=1)(
      jnp.asarray(REAL), jnp.asarray(REAL)
    )
    self.assertEqual(value, 0)
    np.testing.assert_array_equal(grad, 0)

  @parameterized.parameters(*NAMES)
  def test_reductions_agree_for_one_representation(self, name):
    got = distances.CENTROID_DISTANCES[name](REAL[:, :1], FAKE[:2, :1])
    want = distances.centroid_distance(REAL[:, 0], FAKE[:2, 0])
    np.testing.assert_allclose(got, want, rtol=1e-6)

  @parameterized.parameters(*NAMES)
  def test_gradient(self, name):
    check_grads(
      jax.jit(distances.CENTROID_DISTANCES[name]),
      (REAL, FAKE),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_shapes(self):
    with self.assertRaises(AssertionError):
      distances.centroid_distance(REAL, FAKE)
    with self.assertRaises(AssertionError):
      distances.joint_centroid_distance(REAL, FAKE[:, :2])
