"""Tests losses and rewards of prefixes against loops."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.losses.prefixes import prefix_cross_entropy, prefix_rewards

B, T = 3, 4
RNG = np.random.RandomState(0)
REAL, FAKE = (jnp.asarray(2 * RNG.randn(B, T), jnp.float32) for _ in range(2))


def test_cross_entropy_equals_the_loop():
  total = 0.0
  for b in range(B):
    for t in range(T):
      real = 1 / (1 + math.exp(-float(REAL[b, t])))
      fake = 1 / (1 + math.exp(-float(FAKE[b, t])))
      total -= 0.5 * math.log(real) + 0.5 * math.log(1 - fake)
  got = prefix_cross_entropy(REAL, FAKE)
  np.testing.assert_allclose(got, total / (B * T), rtol=1e-5)


def test_cross_entropy_is_finite_for_a_certain_discriminator():
  value, grads = jax.value_and_grad(prefix_cross_entropy, (0, 1))(
    jnp.full((1, 1), -200.0), jnp.full((1, 1), 200.0)
  )
  assert value == 200
  assert (float(grads[0][0, 0]), float(grads[1][0, 0])) == (-0.5, 0.5)


def test_rewards_equal_the_formula():
  got = prefix_rewards(REAL)
  want = 2 / (1 + np.exp(-np.asarray(REAL, np.float64))) - 1
  np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)
  assert prefix_rewards(jnp.zeros((1, 1))) == 0
