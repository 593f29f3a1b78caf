"""Tests feature statistics alignment and its constant target."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.losses.feature_alignment import feature_alignment
from moegan_jax.losses.matching import wasserstein_alignment
from moegan_jax.ops import distances

RNG = np.random.RandomState(0)
REAL = jnp.asarray(RNG.randn(4, 3, 5), jnp.float32)
FAKE = jnp.asarray(RNG.randn(4, 3, 5) + 0.5, jnp.float32)


class FeatureAlignmentTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_joint(self):
    got = self.variant(feature_alignment)(REAL, FAKE)
    want = oracles.centroid_distance(REAL.reshape(-1, 5), FAKE.reshape(-1, 5))
    np.testing.assert_allclose(got, want, atol=2e-4)

  @chex.variants(with_jit=True, without_jit=True)
  def test_per_rep(self):
    loss = self.variant(lambda r, f: feature_alignment(r, f, 'per_rep'))
    want = [oracles.centroid_distance(REAL[:, s], FAKE[:, s]) for s in range(3)]
    np.testing.assert_allclose(loss(REAL, FAKE), np.mean(want), atol=2e-4)

  @parameterized.parameters('joint', 'per_rep')
  def test_gradient_reaches_the_fakes_only(self, reduce):
    real, fake = jax.grad(feature_alignment, argnums=(0, 1))(REAL, FAKE, reduce)
    np.testing.assert_array_equal(real, 0)
    self.assertGreater(np.abs(fake).min(), 0)
    # The gradient of the distance itself has its own test.
    distance = distances.CENTROID_DISTANCES[reduce]
    want = jax.jit(jax.grad(distance, argnums=1))(REAL, FAKE)
    np.testing.assert_allclose(fake, want, rtol=1e-5)

  @parameterized.parameters('joint', 'per_rep')
  def test_zero_with_finite_gradient_at_equality(self, reduce):
    value, grad = jax.value_and_grad(feature_alignment, argnums=1)(
      REAL, REAL, reduce
    )
    self.assertEqual(value, 0)
    chex.assert_tree_all_finite(grad)

  def test_unknown_reduction(self):
    with self.assertRaisesRegex(UserError, 'joint, per_rep'):
      feature_alignment(REAL, FAKE, 'each')

  @parameterized.parameters('joint', 'per_rep')
  def test_wasserstein(self, reduce):
    got = feature_alignment(REAL, FAKE, reduce, 'wasserstein')
    want = wasserstein_alignment(REAL, FAKE, reduce)
    self.assertEqual(got, want)
    centroid = feature_alignment(REAL, FAKE, reduce, 'centroid')
    self.assertEqual(centroid, feature_alignment(REAL, FAKE, reduce))
    # By Jensen's inequality the distance of centroids is a lower bound.
    self.assertGreater(got, 1.1 * centroid)

  def test_unknown_distance(self):
    with self.assertRaisesRegex(UserError, "distance='mmd'.*centroid, wass"):
      feature_alignment(REAL, FAKE, distance='mmd')
