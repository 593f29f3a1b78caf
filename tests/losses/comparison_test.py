"""Tests the comparisons of pairs of texts against double loops."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.losses.comparison import (
  BETTER,
  INDISTINGUISHABLE,
  WORSE,
  comparison_loss,
  comparison_rewards,
  mean_better,
  pair_probabilities,
)

M, K, B = 4, 3, 5
RNG = np.random.RandomState(0)
FORWARD = jnp.asarray(2 * RNG.randn(M, K, 3), jnp.float32)
BACK = jnp.asarray(2 * RNG.randn(K, M, 3), jnp.float32)
SQUARE = jnp.asarray(2 * RNG.randn(B, B, 3), jnp.float32)
WEIGHTS = jnp.asarray([1.0, -0.5, 0.25])
KINDS = (
  (True, False, True, True, False),
  (True, True, True, True, True),
  (False, False, False, False, False),
)


def softmax(logits):
  powers = [math.exp(float(x)) for x in logits]
  return [x / sum(powers) for x in powers]


def naive_pair(i, j):
  """Returns P(a_i > b_j), P(a_i < b_j) and P(a_i ~ b_j)."""
  one, two = softmax(FORWARD[i, j]), softmax(BACK[j, i])
  return (
    (one[BETTER] + two[WORSE]) / 2,
    (one[WORSE] + two[BETTER]) / 2,
    (one[INDISTINGUISHABLE] + two[INDISTINGUISHABLE]) / 2,
  )


class ComparisonTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_probabilities_equal_the_loop(self):
    got = self.variant(pair_probabilities)(FORWARD, BACK)
    want = [[naive_pair(i, j) for j in range(K)] for i in range(M)]
    np.testing.assert_allclose(got, want, rtol=1e-5)
    np.testing.assert_allclose(got.sum(-1), np.ones((M, K)), rtol=1e-6)

  def test_better_is_the_mirror_of_worse(self):
    one = pair_probabilities(FORWARD, BACK)
    two = jnp.swapaxes(pair_probabilities(BACK, FORWARD), 0, 1)
    np.testing.assert_array_equal(one[..., BETTER], two[..., WORSE])
    np.testing.assert_array_equal(one[..., WORSE], two[..., BETTER])
    np.testing.assert_array_equal(one[..., 2], two[..., INDISTINGUISHABLE])
    # A single order has no such symmetry.
    back = jnp.swapaxes(jax.nn.softmax(BACK), 0, 1)
    self.assertTrue((jax.nn.softmax(FORWARD)[..., 0] != back[..., 1]).all())

  @chex.variants(with_jit=True, without_jit=True)
  def test_rewards_equal_the_loop(self):
    def rewards(forward, back, weights):
      return comparison_rewards(pair_probabilities(forward, back), weights)

    got = self.variant(rewards)(FORWARD, BACK, WEIGHTS)
    want = []
    for i in range(M):
      total = 0.0
      for j in range(K):
        better, worse, alike = naive_pair(i, j)
        total += 1.0 * better - 0.5 * worse + 0.25 * alike
      want.append(total / K)
    np.testing.assert_allclose(got, want, rtol=1e-5)
    negated = self.variant(rewards)(FORWARD, BACK, -WEIGHTS)
    np.testing.assert_array_equal(got, -negated)

  def test_rewards_of_a_batch_among_itself_sum_to_zero(self):
    weights = jnp.asarray([1.0, -1.0, 0.0])
    among = pair_probabilities(SQUARE, SQUARE)
    rewards = comparison_rewards(among, weights)
    np.testing.assert_allclose(rewards.sum(), 0, atol=1e-6)
    self.assertGreater(float(rewards.std()), 0.1)

  @parameterized.parameters(*[(kinds,) for kinds in KINDS])
  def test_loss_equals_the_loop(self, kinds):
    terms = []
    for i in range(B):
      for j in range(B):
        if i == j:
          continue
        label = INDISTINGUISHABLE
        if kinds[i] and not kinds[j]:
          label = BETTER
        elif kinds[j] and not kinds[i]:
          label = WORSE
        terms.append(-math.log(softmax(SQUARE[i, j])[label]))
    got = jax.jit(comparison_loss)(SQUARE, jnp.asarray(kinds))
    np.testing.assert_allclose(got, sum(terms) / len(terms), rtol=1e-5)

  def test_a_text_is_not_compared_with_itself(self):
    real = jnp.asarray(KINDS[0])
    changed = SQUARE.at[jnp.arange(B), jnp.arange(B)].add(7.0 * WEIGHTS[None])
    np.testing.assert_array_equal(
      comparison_loss(SQUARE, real), comparison_loss(changed, real)
    )
    one, two = (
      mean_better(pair_probabilities(x, x)) for x in (SQUARE, changed)
    )
    np.testing.assert_array_equal(one, two)

  def test_mean_better_equals_the_loop(self):
    among = pair_probabilities(SQUARE, SQUARE)
    got = jax.jit(mean_better)(among)
    for i in range(B):
      others = [float(among[i, j, BETTER]) for j in range(B) if j != i]
      np.testing.assert_allclose(got[i], sum(others) / (B - 1), rtol=1e-5)

  def test_gradients_are_correct_and_finite_at_large_logits(self):
    real = jnp.asarray(KINDS[0])
    loss = lambda x: comparison_loss(x, real)  # noqa: E731
    check_grads(loss, (SQUARE,), 1, atol=1e-2, rtol=1e-2)
    for scale in (0.0, 1e4):
      value, grads = jax.value_and_grad(loss)(scale * SQUARE)
      self.assertTrue(np.isfinite(value) and np.isfinite(grads).all())
