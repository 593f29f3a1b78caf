"""Tests SLGAN's losses against loops, their gradients, and corruption."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.losses.sequence_contrast import (
  corrupt,
  reconstruction,
  sequence_contrast,
  towards,
)

B, T, V = 4, 5, 7
RNG = np.random.RandomState(0)
ONE = 2 * RNG.randn(B, T, V).astype(np.float32)
OTHER = 2 * RNG.randn(B, T, V).astype(np.float32)
TOKENS = RNG.randint(V, size=(B, T)).astype(np.int32)


def softmax(row):
  weights = [math.exp(float(x)) for x in row]
  return [w / sum(weights) for w in weights]


def naive_kl(p_logits, q_logits):
  """KL(p || q) in nats, averaged over the rows of [B, T, V]."""
  rows = zip(np.reshape(p_logits, (-1, V)), np.reshape(q_logits, (-1, V)))
  total = 0.0
  for p_row, q_row in rows:
    for p, q in zip(softmax(p_row), softmax(q_row)):
      total += p * math.log(p / q)
  return total / (B * T)


KL = naive_kl(ONE, OTHER)  # 2.3 nats; 2.1 in the other direction
BACK = naive_kl(OTHER, ONE)


class SequenceContrastTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.0, -1.0, 100.0)
  def test_matches_a_loop(self, margin):
    loss = self.variant(lambda x, y: sequence_contrast(x, y, margin))
    np.testing.assert_allclose(loss(ONE, OTHER), KL, rtol=1e-5)
    np.testing.assert_allclose(loss(OTHER, ONE), BACK, rtol=1e-5)
    self.assertGreater(abs(KL - BACK), 0.01)

  def test_zero_at_equality(self):
    shifted = ONE + 3  # the same distributions
    np.testing.assert_array_equal(sequence_contrast(ONE, ONE), 0)
    np.testing.assert_allclose(sequence_contrast(ONE, shifted), 0, atol=1e-5)

  def test_pairs_sentences_by_index(self):
    rolled = sequence_contrast(ONE, np.roll(ONE, 1, axis=0), 0.0)
    want = naive_kl(ONE, np.roll(ONE, 1, axis=0))
    np.testing.assert_allclose(rolled, want, rtol=1e-5)
    self.assertGreater(rolled, 1)

  def test_clips_the_mean_and_not_its_terms(self):
    value_and_grad = jax.value_and_grad(sequence_contrast, argnums=(0, 1))
    value, grads = value_and_grad(ONE, OTHER, KL - 0.01)
    np.testing.assert_allclose(value, KL - 0.01, rtol=1e-6)
    for grad in grads:
      np.testing.assert_array_equal(grad, 0)
    # Many terms exceed this margin, but the mean does not.
    value, grads = value_and_grad(ONE, OTHER, KL + 0.01)
    _, unclipped = value_and_grad(ONE, OTHER, 0.0)
    np.testing.assert_allclose(value, KL, rtol=1e-5)
    chex.assert_trees_all_equal(grads, unclipped)

  def test_both_sides_have_gradients(self):
    p, q = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in (ONE, OTHER))
    real, fake = jax.jit(
      jax.grad(lambda x, y: sequence_contrast(x, y, 0.0), argnums=(0, 1))
    )(ONE, OTHER)
    np.testing.assert_allclose(fake, (q - p) / (B * T), rtol=1e-3, atol=1e-6)
    log = np.log(p / q)
    want = p * (log - (p * log).sum(-1, keepdims=True)) / (B * T)
    np.testing.assert_allclose(real, want, rtol=1e-3, atol=1e-6)

  def test_traced_margin(self):
    loss = jax.jit(jax.value_and_grad(sequence_contrast))
    for margin, want in ((0.0, KL), (1.0, 1.0), (9.0, KL)):
      value, grad = loss(ONE, OTHER, margin)
      np.testing.assert_allclose(value, want, rtol=1e-5)
      self.assertEqual(bool((grad == 0).all()), want == 1)

  def test_extreme_logits_stay_finite(self):
    sure = 1e4 * jax.nn.one_hot(TOKENS, V)
    both = jax.value_and_grad(sequence_contrast, argnums=(0, 1))
    chex.assert_tree_all_finite(both(sure, -sure, 0.0))

  def test_shapes(self):
    with self.assertRaises(AssertionError):
      sequence_contrast(ONE, OTHER[:, 1:])
    with self.assertRaises(AssertionError):
      sequence_contrast(ONE[0], OTHER[0])


class ReconstructionTest(chex.TestCase):
  def test_matches_the_divergence_from_one_hot_rows(self):
    want = -np.mean(
      [math.log(softmax(ONE[b, t])[TOKENS[b, t]]) for b, t in np.ndindex(B, T)]
    )
    got = reconstruction(ONE, jnp.asarray(TOKENS))
    np.testing.assert_allclose(got, want, rtol=1e-5)


class TowardsTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_matches_a_loop(self):
    for direction, want in (('forward', KL), ('reverse', BACK)):
      loss = self.variant(lambda t, x, d=direction: towards(t, x, d))
      np.testing.assert_allclose(loss(ONE, OTHER), want, rtol=1e-5)
    np.testing.assert_allclose(towards(ONE, OTHER), KL, rtol=1e-5)

  @parameterized.parameters('forward', 'reverse')
  def test_zero_at_equality_with_its_gradient(self, direction):
    value, grad = jax.value_and_grad(towards, argnums=1)(ONE, ONE, direction)
    np.testing.assert_array_equal(value, 0)
    np.testing.assert_allclose(grad, np.zeros_like(ONE), atol=1e-7)

  @parameterized.parameters('forward', 'reverse')
  def test_target_is_constant(self, direction):
    target, model = jax.grad(towards, argnums=(0, 1))(ONE, OTHER, direction)
    np.testing.assert_array_equal(target, 0)
    self.assertTrue((np.abs(model).max(-1) > 1e-4).all())

  @parameterized.parameters('forward', 'reverse')
  def test_gradient_matches_finite_differences(self, direction):
    grad = jax.grad(towards, argnums=1)(ONE, OTHER, direction)
    step = np.zeros((B, T, V))
    step[1, 2, 3] = 1e-5

    def value(logits):
      pair = (ONE, logits) if direction == 'forward' else (logits, ONE)
      return naive_kl(*pair)

    wide = OTHER.astype(np.float64)
    want = (value(wide + step) - value(wide - step)) / 2e-5
    self.assertGreater(abs(want), 1e-4)
    np.testing.assert_allclose(grad[1, 2, 3], want, rtol=1e-3)

  @parameterized.parameters('forward', 'reverse')
  def test_descent_reaches_the_target(self, direction):
    grad = jax.jit(jax.grad(lambda x: B * T * towards(ONE / 2, x, direction)))
    logits = jnp.zeros((B, T, V))
    for _ in range(200):
      logits = logits - grad(logits)
    self.assertLess(towards(ONE / 2, logits, direction), 0.01)

  def test_rejects_bad_settings(self):
    with self.assertRaisesRegex(UserError, "backward'.*forward, reverse"):
      towards(ONE, OTHER, 'backward')


class CorruptTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.1, 0.6)
  def test_rate(self, rate):
    tokens = jnp.asarray(np.arange(4000).reshape(100, 40) % V, jnp.int32)
    run = self.variant(lambda x, k: corrupt(x, k, rate, V + 1))
    got = run(tokens, jax.random.key(0))
    self.assertEqual(got.dtype, jnp.int32)
    replaced = np.asarray(got) == V + 1
    np.testing.assert_array_equal(got[~replaced], tokens[~replaced])
    # Four standard errors of 4000 draws, at the widest, a rate of one half.
    np.testing.assert_allclose(replaced.mean(), rate, atol=4 * 0.5 / 4000**0.5)
    # Rows and columns are affected alike: [100] of 40 draws, [40] of 100.
    self.assertLess(np.abs(replaced.mean(0) - rate).max(), 4 * 0.5 / 10)
    self.assertGreater(np.std(replaced.mean(1)), 0.02)

  def test_rate_zero_changes_nothing(self):
    tokens = jnp.asarray(TOKENS)
    got = corrupt(tokens, jax.random.key(0), 0.0, V + 1)
    np.testing.assert_array_equal(got, TOKENS)

  def test_traced_rate(self):
    tokens = jnp.asarray(TOKENS)
    got = jax.jit(corrupt)(tokens, jax.random.key(0), 0.5, V)
    want = corrupt(tokens, jax.random.key(0), 0.5, V)
    np.testing.assert_array_equal(got, want)

  def test_keys(self):
    tokens = jnp.asarray(np.zeros((20, 20)), jnp.int32)
    one, again, two = (
      corrupt(tokens, jax.random.key(i), 0.5, V) for i in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    self.assertTrue((one != two).any())

  @parameterized.parameters(-0.1, 1.0, 1.5)
  def test_rejects_bad_settings(self, rate):
    with self.assertRaisesRegex(UserError, str(rate)):
      corrupt(jnp.asarray(TOKENS), jax.random.key(0), rate, V)

  def test_accepts_tokens_only(self):
    with self.assertRaises(AssertionError):
      corrupt(jnp.asarray(ONE[0]), jax.random.key(0), 0.1, V)
