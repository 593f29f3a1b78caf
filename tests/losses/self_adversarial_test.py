"""Tests the loss of DGSAN against loops, and at extreme ratios."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.losses.self_adversarial import log_ratios, self_adversarial

B, T = 3, 4
RNG = np.random.RandomState(0)
NEW, OLD, FAKE_NEW, FAKE_OLD = (
  jnp.asarray(-RNG.exponential(size=(B, T)), jnp.float32) for _ in range(4)
)
COUNTED = jnp.asarray([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]], bool)
EVERYWHERE = jnp.ones((B, T), bool)
SCALE = {'sum': 1, 'mean': B * T, 'sequence': B}


def naive(level, counted):
  """Returns the sum of -log D(real) - log(1 - D(fake)), from probabilities."""
  pairs = [(NEW, OLD, True), (FAKE_NEW, FAKE_OLD, False)]
  total = 0.0
  for new, old, real in pairs:
    for b in range(B):
      logs = [
        (float(new[b, t]), float(old[b, t])) if counted[b, t] else (0.0, 0.0)
        for t in range(T)
      ]
      if level == 'sequence':
        logs = [tuple(map(sum, zip(*logs)))]
      for log_new, log_old in logs:
        p_new, p_old = math.exp(log_new), math.exp(log_old)
        total -= math.log((p_new if real else p_old) / (p_new + p_old))
  return total


@pytest.mark.parametrize('counted', [EVERYWHERE, COUNTED], ids=['all', 'some'])
@pytest.mark.parametrize('level', ['token', 'sequence'])
@pytest.mark.parametrize('reduce', SCALE)
def test_loss_equals_the_loop(level, reduce, counted):
  real = log_ratios(NEW, OLD, counted, level)
  fake = log_ratios(FAKE_NEW, FAKE_OLD, counted, level)
  count = SCALE[reduce]
  if level == 'sequence' and reduce == 'mean':
    count = B
  got = self_adversarial(real, fake, reduce)
  np.testing.assert_allclose(got, naive(level, counted) / count, rtol=1e-5)


@pytest.mark.parametrize('level', ['token', 'sequence'])
def test_positions_after_the_end_have_no_gradient(level):
  def loss(new, old):
    ratios = log_ratios(new, old, COUNTED, level)
    return self_adversarial(ratios, -ratios, 'sum')

  grad = jax.grad(loss)(NEW, OLD)
  np.testing.assert_array_equal(grad != 0, COUNTED)


def test_exchanged_texts_negate_the_gradient_at_equality():
  """At p_new = p_old the gradient is -1/2 on real text and 1/2 on samples."""
  zeros = jnp.zeros((B, T))
  real, fake = jax.grad(self_adversarial, (0, 1))(zeros, zeros, 'sum')
  np.testing.assert_array_equal(real, -0.5)
  np.testing.assert_array_equal(fake, 0.5)


@pytest.mark.parametrize('size', [30.0, 100.0, 1e4, 1e30])
def test_extreme_ratios_have_exact_limits(size):
  """A ratio of probabilities is 0 or inf here in single precision."""
  far = jnp.full((1, 1), size)
  both = jax.value_and_grad(self_adversarial, (0, 1))
  for real, fake in ((-far, far), (-far, -far), (far, far), (far, -far)):
    value, grads = both(real, fake, 'sum')
    want = size * (float(real[0, 0] < 0) + float(fake[0, 0] > 0))
    np.testing.assert_allclose(value, want, rtol=1e-6, atol=1e-12)
    slopes = -float(real[0, 0] < 0), float(fake[0, 0] > 0)
    np.testing.assert_allclose(np.ravel(grads), slopes, atol=1e-12)


def test_long_texts_have_finite_losses():
  """exp(-800) is 0 in double precision."""
  new, old = jnp.full((1, 100), -8.0), jnp.full((1, 100), -9.0)
  counted = jnp.ones((1, 100), bool)
  real = log_ratios(new, old, counted, 'sequence')
  np.testing.assert_allclose(real, [[100]])
  np.testing.assert_allclose(self_adversarial(real, real, 'mean'), 100)
