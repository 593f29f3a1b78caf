"""Tests JSDGAN's weights against probabilities and against the objective."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.losses import self_weighted

LOG_PROBS = np.float32([-4.5, -3.0, -7.25, -3.5, -12.0])
# exp(-900) underflows to zero in float32 and float64.
LONG = np.float32([-500, -503, -900, -501.5])


def weights(normalise, n_data=50):
  return functools.partial(
    self_weighted.jsd_weights, n_data=n_data, normalise=normalise
  )


class WeightsTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.product(
    normalise=self_weighted.NORMALISATIONS,
    n_data=[1, 50, 10**7],
    shift=[0.0, -20.0],
  )
  def test_against_probabilities(self, normalise, n_data, shift):
    log_probs = LOG_PROBS + np.float32(shift)
    got = self.variant(weights(normalise, n_data))(log_probs)
    want = oracles.jsd_weights(log_probs, n_data, normalise)
    np.testing.assert_allclose(got, want, rtol=2e-5)

  @parameterized.parameters(1, 50, 10**4)
  def test_none_matches_the_objective(self, n_data):
    """J = sum p_d log(p_d / (p_d + p)) + p log(p / (p_d + p)); differences."""

    def objective(log_probs):
      p, data = np.exp(log_probs), 1 / n_data
      return np.sum(
        data * np.log(data / (data + p)) + p * np.log(p / (data + p))
      )

    x, step = LOG_PROBS.astype(np.float64), 1e-5
    want = np.array(
      [
        (objective(x + step * e) - objective(x - step * e)) / (2 * step)
        for e in np.eye(len(x))
      ]
    )
    want /= np.abs(want).sum()
    got = weights('none', n_data)(LOG_PROBS)
    np.testing.assert_allclose(got, want, rtol=1e-4)

  @parameterized.parameters('minmax', 'softmax')
  def test_ignores_a_common_factor(self, normalise):
    """Sentences of any length then have the weights of short ones."""
    for shift in (0, 3, 496):
      got = weights(normalise)(LONG + np.float32(shift))
      want = oracles.jsd_weights(LONG + 500.0, 50, normalise)
      # The weight is zero where p underflows even in double precision.
      np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-30)

  @parameterized.parameters(*self_weighted.NORMALISATIONS)
  def test_long_sentences(self, normalise):
    got = np.asarray(weights(normalise)(LONG))
    chex.assert_tree_all_finite(got)
    self.assertTrue((got <= 0).all())
    # More likely sentences have larger weights.
    np.testing.assert_array_equal(np.argsort(got), np.argsort(-LONG))

  def test_none_of_long_sentences(self):
    """Compares with p log(p / p_data) for p far below p_data."""
    got = weights('none')(LONG)
    x = LONG.astype(np.float64)
    want = np.exp(x - x.max()) * (x + np.log(50))
    want /= np.abs(want).sum()
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-30)
    np.testing.assert_allclose(np.sum(got), -1, rtol=1e-6)

  def test_none_of_certain_sentences(self):
    """For p = 1 and p_data = 1e-7, log(1 + p_data / p) must not underflow."""
    got = weights('none', 10**7)(np.float32([0, -0.5]))
    want = oracles.jsd_weights([0, -0.5], 10**7, 'none')
    np.testing.assert_allclose(got, want, rtol=1e-3)

  def test_only_none_depends_on_n_data(self):
    for normalise in ('minmax', 'softmax'):
      few, many = (weights(normalise, n)(LOG_PROBS) for n in (5, 5000))
      np.testing.assert_array_equal(few, many)
    few, many = (weights('none', n)(LOG_PROBS) for n in (5, 5000))
    self.assertGreater(np.abs(few - many).max(), 1e-2)

  @parameterized.parameters(*self_weighted.NORMALISATIONS)
  def test_equal_sentences(self, normalise):
    got = weights(normalise)(np.full(4, -300, np.float32))
    want = {
      'minmax': np.log(1 / (1 + 0.25)),  # p = 1
      'softmax': 0.25 * np.log(0.5),  # p = p_data = 1 / 4
      'none': -0.25,
    }[normalise]
    np.testing.assert_allclose(got, want, rtol=1e-5)

  @parameterized.parameters(*self_weighted.NORMALISATIONS)
  def test_vmap(self, normalise):
    batch = np.stack([LOG_PROBS, LOG_PROBS[::-1], 2 * LOG_PROBS])
    got = jax.vmap(weights(normalise))(batch)
    want = [weights(normalise)(row) for row in batch]
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_bad_settings(self):
    with self.assertRaisesRegex(UserError, "normalise='max'.*minmax"):
      weights('max')(LOG_PROBS)
    with self.assertRaisesRegex(UserError, 'n_data=0'):
      weights('none', 0)(LOG_PROBS)
    with self.assertRaises(AssertionError):
      weights('none')(LOG_PROBS[None])


class LossTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(*self_weighted.NORMALISATIONS)
  def test_value(self, normalise):
    loss = self.variant(lambda x: self_weighted.self_weighted(x, 50, normalise))
    want = np.sum(oracles.jsd_weights(LOG_PROBS, 50, normalise) * LOG_PROBS)
    np.testing.assert_allclose(loss(LOG_PROBS), want, rtol=2e-5)

  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.product(
    normalise=self_weighted.NORMALISATIONS, log_probs=[LOG_PROBS, LONG]
  )
  def test_gradient_equals_the_weight(self, normalise, log_probs):
    grad = self.variant(
      jax.grad(lambda x: self_weighted.self_weighted(x, 50, normalise))
    )
    got = grad(jnp.asarray(log_probs))
    np.testing.assert_allclose(got, weights(normalise)(log_probs), rtol=1e-6)

  @parameterized.parameters(*self_weighted.NORMALISATIONS)
  def test_descent_raises_the_likelihood_of_text(self, normalise):
    """Uses a categorical model of 6 sentences, 4 of which are training text."""

    def log_probs(logits):
      return jax.nn.log_softmax(logits)[:4]

    step = jax.jit(
      lambda logits: (
        logits
        - jax.grad(
          lambda x: self_weighted.self_weighted(log_probs(x), 4, normalise)
        )(logits)
      )
    )
    logits = jnp.asarray([0.0, 0.1, -0.1, 0.2, 1.0, 1.0])
    before = jnp.sum(jnp.exp(log_probs(logits)))
    for _ in range(50):
      logits = step(logits)
    self.assertLess(before, 0.5)
    self.assertGreater(jnp.sum(jnp.exp(log_probs(logits))), 0.9)
