"""Tests policy-gradient losses and weights against naive versions."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from moegan_jax.losses.policy_gradient import (
  batch_baseline,
  clipped_ratio,
  moving_baseline,
  normalised_weights,
  policy_gradient,
  rank_rescale,
  rewards_to_go,
)

B, T = 5, 4
RNG = np.random.RandomState(0)
LOG_PROBS = jnp.asarray(-RNG.exponential(size=(B, T)), jnp.float32)
WEIGHTS = jnp.asarray(RNG.randn(B, T), jnp.float32)


class PolicyGradientTest(chex.TestCase):
  @parameterized.parameters(('sum', 1), ('mean', B * T), ('sequence', B))
  def test_loss_equals_the_loop(self, reduce, count):
    total = 0.0
    for b in range(B):
      for t in range(T):
        total -= float(WEIGHTS[b, t]) * float(LOG_PROBS[b, t])
    got = policy_gradient(LOG_PROBS, WEIGHTS, reduce)
    np.testing.assert_allclose(got, total / count, rtol=1e-5)

  def test_weights_are_constants(self):
    def loss(x):
      return policy_gradient(x, jnp.tanh(x), 'sum')

    got = jax.grad(loss)(LOG_PROBS)
    np.testing.assert_allclose(got, -jnp.tanh(LOG_PROBS), rtol=1e-6)

  def test_negated_weights_negate_the_gradient(self):
    grad = jax.grad(lambda x, w: policy_gradient(x, w, 'mean'))
    one, other = grad(LOG_PROBS, WEIGHTS), grad(LOG_PROBS, -WEIGHTS)
    np.testing.assert_array_equal(one, -other)
    self.assertTrue(one.any())

  def test_baseline_is_the_mean_of_the_texts_at_a_position(self):
    lengths = jnp.asarray([4, 2, 1, 2, 3])
    counted = jnp.arange(T)[None] < lengths[:, None]
    got = batch_baseline(WEIGHTS, counted)
    self.assertEqual(got.shape, (1, T))
    for t in range(T):
      own = [float(WEIGHTS[b, t]) for b in range(B) if lengths[b] > t]
      np.testing.assert_allclose(got[0, t], np.mean(own), rtol=1e-5)
    none = batch_baseline(WEIGHTS, jnp.zeros((B, T), bool))
    np.testing.assert_array_equal(none, 0)

  @parameterized.parameters(0.0, 0.23, 1.0)
  def test_rewards_to_go_equal_the_double_loop(self, discount):
    got = jax.jit(rewards_to_go)(WEIGHTS, discount)
    want = np.zeros((B, T))
    for t in range(T):
      for s in range(t, T):
        want[:, t] += discount ** (s - t) * np.asarray(WEIGHTS[:, s])
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)

  def test_rank_rescale_equals_sorting(self):
    got = np.asarray(jax.jit(rank_rescale)(WEIGHTS, 16.0))
    for t in range(T):
      column = np.asarray(WEIGHTS[:, t]).tolist()
      ordered = sorted(column, reverse=True)
      for b, score in enumerate(column):
        rank = ordered.index(score) + 1
        want = 1 / (1 + math.exp(-16 * (0.5 - rank / B)))
        self.assertAlmostEqual(got[b, t], want, places=5)
    alone = rank_rescale(WEIGHTS[:, 0], 16.0)
    np.testing.assert_allclose(got[:, 0], alone, rtol=1e-6)

  def test_rank_rescale_is_monotone_and_ignores_order_and_scale(self):
    scores = jnp.asarray([0.3, -2.0, 5.0, 0.3, 0.1])
    got = np.asarray(rank_rescale(scores, 4.0))
    order = np.argsort(scores)
    self.assertTrue((np.diff(got[order]) >= 0).all())
    self.assertEqual(got[0], got[3])
    self.assertEqual(len(set(got.tolist())), 4)
    np.testing.assert_array_equal(rank_rescale(scores[::-1], 4.0), got[::-1])
    np.testing.assert_array_equal(rank_rescale(100 * scores, 4.0), got)

  @parameterized.parameters(0.0, 0.4, 1.0)
  def test_normalised_weights_equal_the_formula(self, baseline):
    got = normalised_weights(WEIGHTS, baseline)
    ratios = np.exp(np.asarray(WEIGHTS, np.float64))
    for b in range(B):
      want = ratios[b] / ratios[b].sum() - baseline / T
      np.testing.assert_allclose(got[b], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got.sum(1), 1 - baseline, atol=1e-6)

  def test_clipped_ratio_equals_the_cases(self):
    got = clipped_ratio(WEIGHTS, LOG_PROBS + 1, 0.2)
    for b in range(B):
      for t in range(T):
        r, a = math.exp(WEIGHTS[b, t]), float(LOG_PROBS[b, t]) + 1
        bounded = min(max(r, 0.8), 1.2)
        self.assertAlmostEqual(got[b, t], min(r * a, bounded * a), places=4)

  def test_clipped_ratio_has_no_gradient_beyond_the_clip(self):
    log_ratios = jnp.log(jnp.asarray([1.5, 1.5, 0.5, 0.5, 1.0]))
    advantages = jnp.asarray([1.0, -1.0, 1.0, -1.0, 2.0])
    grads = jax.grad(lambda x: clipped_ratio(x, advantages, 0.2).sum())
    np.testing.assert_allclose(
      grads(log_ratios), [0.0, -1.5, 0.5, 0.0, 2.0], atol=1e-6
    )

  def test_moving_baseline_equals_the_weighted_sum(self):
    batches, decay = np.asarray(WEIGHTS), 0.08
    value = jnp.float32(0)
    for rewards in batches:
      value = moving_baseline(value, jnp.asarray(rewards), decay)
    want = sum(
      (1 - decay) * decay ** (B - 1 - i) * rewards.mean()
      for i, rewards in enumerate(batches)
    )
    np.testing.assert_allclose(value, want, rtol=1e-5)
