"""Tests the kernel distance against a double loop, and its gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from moegan_jax.errors import UserError
from moegan_jax.ops import kernels

RNG = np.random.RandomState(0)
X = RNG.randn(6, 5).astype(np.float32)
Y = (RNG.randn(8, 5) + 0.5).astype(np.float32)
BANK = (0.5, 1.0, 4.0)


class KernelsTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_squared_distances(self):
    got = self.variant(kernels.squared_distances)(X, Y)
    np.testing.assert_allclose(
      got, oracles.euclidean_cost(X, Y) ** 2, rtol=1e-5
    )

  def test_squared_distances_do_not_cancel(self):
    x = np.float32([[1000, 0]])
    got = kernels.squared_distances(x, x + np.float32([[0.125, 0]]))
    np.testing.assert_array_equal(got, [[0.015625]])

  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters((0.5,), (1.0,), (20.0,), BANK)
  def test_square(self, *bandwidths):
    got = self.variant(lambda x, y: kernels.mmd_squared(x, y, bandwidths))(X, Y)
    want = oracles.mmd_squared(X, Y, bandwidths)
    np.testing.assert_allclose(got, want, rtol=1e-5)

  @chex.variants(with_jit=True, without_jit=True)
  def test_root(self):
    got = self.variant(lambda x, y: kernels.mmd(x, y, BANK))(X, Y)
    want = oracles.mmd_squared(X, Y, BANK) ** 0.5
    np.testing.assert_allclose(got, want, atol=1.1e-4)

  def test_smoothing_by_eps(self):
    got = kernels.mmd(X, Y, BANK, 0.25)
    want = (oracles.mmd_squared(X, Y, BANK) + 0.25) ** 0.5 - 0.5
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_repeating_a_bank_changes_nothing(self):
    once, twice = (kernels.mmd_squared(X, Y, BANK * n) for n in (1, 2))
    np.testing.assert_allclose(once, twice, rtol=1e-6)

  def test_wide_kernels_compare_means(self):
    """k - 1 tends to -d^2 / 2 sigma^2, leaving the distance of the means."""
    sigma = 1e6
    got = sigma**2 * kernels.mmd_squared(X, Y, (sigma,))
    want = np.sum((X.mean(0) - Y.mean(0)) ** 2)
    np.testing.assert_allclose(got, want, rtol=1e-4)

  def test_narrow_kernels_ignore_other_points(self):
    got = kernels.mmd_squared(X, Y, (1e-20,))
    np.testing.assert_allclose(got, 1 / 6 + 1 / 8, rtol=1e-5)

  def test_two_for_distant_point_masses(self):
    x, y = np.zeros((4, 2), np.float32), np.full((3, 2), 50, np.float32)
    np.testing.assert_allclose(kernels.mmd_squared(x, y, (1.0,)), 2)

  @parameterized.parameters(kernels.mmd_squared, kernels.mmd)
  def test_zero_with_finite_gradient_at_equality(self, distance):
    value, grads = jax.value_and_grad(
      lambda x, y: distance(x, y, BANK), argnums=(0, 1)
    )(jnp.asarray(X), jnp.asarray(X))
    np.testing.assert_allclose(value, 0, atol=1e-3)
    for grad in grads:
      np.testing.assert_allclose(grad, 0, atol=1e-3)

  @settings(deadline=None, max_examples=30)
  @given(st.integers(0, 2**31), st.sampled_from([1e-6, 0.3, 2.0, 1e3]))
  def test_finite_and_not_negative_for_close_samples(self, seed, sigma):
    """Rounding may make the square negative, which must not reach the root."""
    rng = np.random.RandomState(seed)
    x = rng.randn(5, 3).astype(np.float32)
    y = x[rng.permutation(5)] + np.float32(1e-6) * rng.randn(5, 3)
    value, grad = MMD_GRAD(x, y.astype(np.float32), sigma)
    self.assertGreaterEqual(value, 0)
    chex.assert_tree_all_finite(grad)

  @parameterized.parameters(kernels.mmd_squared, kernels.mmd)
  def test_gradient(self, distance):
    check_grads(
      jax.jit(lambda x, y: distance(x, y, BANK)),
      (X, Y),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_vmap(self):
    xs, ys = np.stack([X, X + 1, 2 * X]), np.stack([Y, Y, -Y])
    got = jax.vmap(lambda x, y: kernels.mmd(x, y, BANK))(xs, ys)
    want = [kernels.mmd(x, y, BANK) for x, y in zip(xs, ys)]
    np.testing.assert_allclose(got, want, rtol=1e-5)

  @parameterized.parameters((), (1.0, 0.0), (-1.0,), (float('nan'),))
  def test_bad_bandwidths(self, *bandwidths):
    with self.assertRaisesRegex(UserError, 'bandwidths.*positive'):
      kernels.mmd_squared(X, Y, bandwidths)

  def test_shapes(self):
    with self.assertRaises(AssertionError):
      kernels.mmd_squared(X, Y[:, :4], BANK)
    with self.assertRaises(AssertionError):
      kernels.mmd_squared(X, Y[0], BANK)


# Compiles once for each bandwidth.
MMD_GRAD = jax.jit(
  jax.value_and_grad(lambda x, y, sigma: kernels.mmd(x, y, (sigma,)), 1),
  static_argnums=2,
)
