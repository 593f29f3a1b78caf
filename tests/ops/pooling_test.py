"""Tests the pooled convolution and its custom gradient."""

from unittest import mock

import chex
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.ops import pooling
from moegan_jax.ops.pooling import max_convolution

RNG = np.random.RandomState(0)
X = RNG.randn(4, 5, 3).astype(np.float32)
WEIGHTS = RNG.randn(4, 6).astype(np.float32)
WIDTHS = (1, 2, 5)


def kernel_of(width):
  return np.random.RandomState(width).randn(width, 3, 6).astype(np.float32)


def naive(x, kernel):
  """Computes the same by differentiable operations, position by position."""
  width = kernel.shape[0]
  return jnp.stack(
    [
      jnp.einsum('nwe,wef->nf', x[:, t : t + width], kernel)
      for t in range(x.shape[1] - width + 1)
    ]
  ).max(0)


def gradients(pool):
  return jax.grad(lambda x, k: jnp.sum(WEIGHTS * pool(x, k)), argnums=(0, 1))


def second_gradients(pool):
  """Gradient of a function of gradients, as in a gradient penalty."""

  def penalty(x, kernel, weights):
    def score(x, k):
      return jnp.sum(jnp.tanh(weights * pool(x, k)))

    d_x, d_kernel = jax.grad(score, argnums=(0, 1))(x, kernel)
    return jnp.sum(d_x**2) + jnp.sum(jnp.sin(d_kernel))

  return jax.grad(penalty, argnums=(0, 1, 2))


class MaxConvolutionTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(*WIDTHS)
  def test_value(self, width):
    kernel = kernel_of(width)
    got = self.variant(max_convolution)(X, kernel)
    want = network_oracles.max_convolution(X, kernel)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)

  def test_value_under_differentiation(self):
    kernel = kernel_of(2)
    got, _ = jax.vjp(max_convolution, X, kernel)
    np.testing.assert_allclose(
      got, network_oracles.max_convolution(X, kernel), rtol=1e-5, atol=1e-5
    )

  @parameterized.parameters(*WIDTHS)
  def test_convolution_equals_the_product_of_other_platforms(self, width):
    kernel = kernel_of(width)
    np.testing.assert_allclose(
      jax.jit(pooling._convolution)(X, kernel),
      jax.jit(pooling._product)(X, kernel),
      rtol=1e-5,
      atol=1e-5,
    )

  @parameterized.product(width=WIDTHS, max_unrolled=(200, 0), block=(32, 3))
  def test_gradient_matches_autodiff(self, width, max_unrolled, block):
    """For both ways to compute scores, and with an incomplete last block."""
    kernel = kernel_of(width)
    with (
      mock.patch.object(pooling, '_MAX_UNROLLED_PRODUCTS', max_unrolled),
      mock.patch.object(pooling, '_BLOCK', block),
    ):
      got = jax.jit(gradients(max_convolution))(X, kernel)
    want = jax.jit(gradients(naive))(X, kernel)
    chex.assert_trees_all_close(got, want, rtol=1e-5, atol=1e-5)

  def test_gradient_in_blocks_matches_whole_batch(self):
    """Other platforms than CPUs compute the whole batch at once."""
    kernel, best = kernel_of(2), RNG.randint(0, 4, (4, 6)).astype(np.int32)
    with mock.patch.object(pooling, '_BLOCK', 3):
      blocks = pooling._gradients_in_blocks(X, best, WEIGHTS, kernel)
    whole = pooling._gradients(X, best, WEIGHTS, kernel)
    chex.assert_trees_all_close(blocks, whole, rtol=1e-5, atol=1e-5)

  def test_finite_differences(self):
    check_grads(
      jax.jit(max_convolution),
      (X, kernel_of(2)),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_ties_go_to_the_first(self):
    # All numbers are small integers, so all positions have equal scores and
    # only the first window receives a gradient.
    x = np.ones((2, 5, 3), np.float32)
    kernel = RNG.randint(-3, 4, size=(2, 3, 6)).astype(np.float32)
    d_x, d_kernel = jax.jit(
      jax.grad(lambda x, k: max_convolution(x, k).sum(), argnums=(0, 1))
    )(x, kernel)
    want = np.zeros_like(x)
    want[:, :2] = kernel.sum(-1)
    np.testing.assert_array_equal(d_x, want)
    # Each filter reads one window of ones in each of the two rows.
    np.testing.assert_array_equal(d_kernel, np.full_like(kernel, 2))

  def test_second_derivatives(self):
    kernel = kernel_of(2)
    got = jax.jit(second_gradients(max_convolution))(X, kernel, WEIGHTS)
    want = jax.jit(second_gradients(naive))(X, kernel, WEIGHTS)
    for part in want:
      self.assertGreater(np.abs(part).max(), 0.1)
    chex.assert_trees_all_close(got, want, rtol=1e-3, atol=1e-5)

  def test_vmap_matches_a_loop(self):
    xs, kernels = np.stack([X, X + 1]), np.stack([kernel_of(2)] * 2)
    kernels[1] *= -1
    grad = jax.jit(gradients(max_convolution))
    got = jax.jit(jax.vmap(gradients(max_convolution)))(xs, kernels)
    for i in range(2):
      chex.assert_trees_all_close(
        jax.tree.map(lambda g, i=i: g[i], got),
        grad(xs[i], kernels[i]),
        rtol=1e-5,
        atol=1e-5,
      )
