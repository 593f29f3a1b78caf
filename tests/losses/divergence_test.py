"""Tests divergences of next-token distributions against loops."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.losses.divergence import mediated_divergence, token_divergence

B, T, V = 3, 4, 5
RNG = np.random.RandomState(0)
ONE, OTHER = (
  jnp.asarray(2 * RNG.randn(B, T, V), jnp.float32) for _ in range(2)
)
COUNTED = jnp.asarray(RNG.rand(B, T) < 0.6)


def naive(b, t):
  """Returns KL(p || q) at one position."""
  p, q = (np.exp(np.asarray(x[b, t], np.float64)) for x in (ONE, OTHER))
  p, q = p / p.sum(), q / q.sum()
  return sum(p[v] * math.log(p[v] / q[v]) for v in range(V))


def test_divergence_equals_the_loop():
  got = token_divergence(ONE, OTHER)
  want = [[naive(b, t) for t in range(T)] for b in range(B)]
  np.testing.assert_allclose(got, want, rtol=1e-4)
  np.testing.assert_allclose(token_divergence(ONE, ONE + 2), 0, atol=1e-5)


def test_loss_is_a_mean_over_all_positions():
  got = mediated_divergence(ONE, OTHER, COUNTED)
  want = sum(naive(b, t) for b in range(B) for t in range(T) if COUNTED[b, t])
  np.testing.assert_allclose(got, want / (B * T), rtol=1e-4)


def test_gradient_reaches_counted_positions_of_the_generator_only():
  own, mediator = jax.grad(mediated_divergence, (0, 1))(ONE, OTHER, COUNTED)
  np.testing.assert_array_equal(mediator, 0)
  np.testing.assert_array_equal((own != 0).any(-1), COUNTED)


def test_gradient_equals_the_formula():
  """The gradient in logit v is G_v (log G_v - log M_v - KL) / (B T)."""
  got = jax.grad(mediated_divergence)(ONE, OTHER, jnp.ones((B, T), bool))
  p, q = (np.exp(np.asarray(x, np.float64)) for x in (ONE, OTHER))
  p, q = p / p.sum(-1, keepdims=True), q / q.sum(-1, keepdims=True)
  log = np.log(p / q)
  want = p * (log - (p * log).sum(-1, keepdims=True)) / (B * T)
  np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-6)


def test_certain_distributions_are_finite():
  sure = 1e4 * jax.nn.one_hot(jnp.zeros((1, 1), int), V)
  value, grad = jax.value_and_grad(mediated_divergence)(
    sure, -sure, jnp.ones((1, 1), bool)
  )
  assert np.isfinite(value) and np.isfinite(grad).all()
