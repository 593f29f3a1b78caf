"""Tests the Sinkhorn divergence against an oracle, and its gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.ops import transport


class DivergenceTest(chex.TestCase):
  x = np.random.RandomState(0).randn(6, 5).astype(np.float32)
  y = np.random.RandomState(1).randn(8, 5).astype(np.float32) + np.float32(0.5)

  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters((0.2, 50), (1.0, 40))
  def test_value(self, epsilon, iterations):
    divergence = self.variant(
      lambda x, y: transport.sinkhorn_divergence(
        x, y, transport.cosine_cost, epsilon, iterations
      )
    )

    def w(a, b):
      cost = oracles.cosine_cost(a, b)
      return np.sum(cost * oracles.sinkhorn(cost, epsilon, iterations))

    x, y = self.x, self.y
    want = 2 * w(x, y) - w(x, x) - w(y, y)
    np.testing.assert_allclose(divergence(x, y), want, rtol=1e-4)

  @parameterized.product(
    cost=[transport.cosine_cost, transport.euclidean_cost],
    through_plan=[False, True],
  )
  def test_zero_at_equality(self, cost, through_plan):
    def value(y):
      return transport.sinkhorn_divergence(
        jnp.asarray(self.x), y, cost, 1.0, 40, through_plan
      )

    got, grad = jax.value_and_grad(value)(jnp.asarray(self.x))
    np.testing.assert_allclose(got, 0, atol=1e-5)
    np.testing.assert_allclose(grad, 0, atol=1e-5)

  def test_descent_brings_samples_together(self):
    def value(y):
      return transport.sinkhorn_divergence(
        self.x, y, transport.euclidean_cost, 0.1, 50
      )

    descend = jax.jit(
      lambda y: jax.lax.fori_loop(
        0, 200, lambda _, y: y - 0.1 * jax.grad(value)(y), y
      )
    )
    y = self.y[: len(self.x)]
    self.assertLess(value(descend(y)), 0.1 * value(y))

  def test_gradient_through_the_plans(self):
    check_grads(
      jax.jit(
        lambda x, y: transport.sinkhorn_divergence(
          x, y, transport.euclidean_cost, 1.0, 10, True
        )
      ),
      (self.x, self.y),
      1,
      ['rev'],
      atol=1e-2,
      rtol=1e-2,
    )
