"""Tests the masks, rewards and losses of MaskGAN against loops."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from moegan_jax.losses import masked

N, T = 400, 10
RNG = np.random.RandomState(0)


def sigmoid(x):
  return 1 / (1 + math.exp(-x))


class MaskTest(chex.TestCase):
  @parameterized.parameters(0.3, 0.5, 0.0, 1.0)
  def test_contiguous_masks_are_one_block_of_a_fixed_size(self, present):
    given = np.asarray(
      masked.draw_given(
        jax.random.key(0), N, T, mask='contiguous', present=present, whole=0.0
      )
    )
    size = round((1 - present) * T)
    starts = set()
    for row in given:
      hidden = np.flatnonzero(~row)
      self.assertLen(hidden, size)
      if size:
        self.assertEqual(hidden[-1] - hidden[0], size - 1)
        starts.add(hidden[0])
    self.assertLen(starts, T - size + 1 if size else 0)

  def test_random_masks_give_the_share(self):
    given = masked.draw_given(
      jax.random.key(0), N, T, mask='random', present=0.7, whole=0.0
    )
    error = math.sqrt(0.7 * 0.3 / (N * T))
    self.assertLess(abs(float(given.mean()) - 0.7), 4 * error)
    self.assertLess(0.05, float(given.mean(1).std()))

  @parameterized.parameters('contiguous', 'random')
  def test_whole_rows_are_masked(self, mask):
    given = masked.draw_given(
      jax.random.key(0), N, T, mask=mask, present=0.9, whole=0.25
    )
    share = float((~given).all(1).mean())
    self.assertLess(abs(share - 0.25), 4 * math.sqrt(0.25 * 0.75 / N))


class LossTest(chex.TestCase):
  def setUp(self):
    super().setUp()
    self.real = jnp.asarray(RNG.randn(3, T), jnp.float32)
    self.fake = jnp.asarray(RNG.randn(3, T), jnp.float32)
    self.ours = jnp.asarray(RNG.rand(3, T) < 0.5)
    self.theirs = jnp.asarray(RNG.rand(3, T) < 0.3)

  def test_cross_entropy_equals_the_loop(self):
    got = jax.jit(masked.masked_cross_entropy)(
      self.real, self.fake, self.ours, self.theirs
    )
    a = [-math.log(sigmoid(x)) for x in np.asarray(self.real)[self.ours]]
    b = [-math.log(1 - sigmoid(x)) for x in np.asarray(self.fake)[self.theirs]]
    want = (np.mean(a) + np.mean(b)) / 2
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_given_tokens_have_no_gradient(self):
    grads = jax.grad(masked.masked_cross_entropy, argnums=(0, 1))(
      self.real, self.fake, self.ours, self.theirs
    )
    for grad, counted in zip(grads, (self.ours, self.theirs), strict=True):
      np.testing.assert_array_equal(grad != 0, counted)

  def test_rewards_are_log_probabilities_of_masked_positions(self):
    got = np.asarray(masked.log_rewards(self.fake, self.theirs))
    for index in np.ndindex(3, T):
      value = math.log(sigmoid(float(self.fake[index])) + 1e-7)
      want = value if self.theirs[index] else 0.0
      np.testing.assert_allclose(got[index], want, rtol=1e-5)

  def test_saturated_verdicts_give_finite_rewards(self):
    got = masked.log_rewards(jnp.full((1, 1), -200.0), jnp.ones((1, 1), bool))
    np.testing.assert_allclose(got, math.log(1e-7), rtol=1e-5)

  def test_mean_of_nothing_is_zero(self):
    nothing = jnp.zeros((3, T), bool)
    self.assertEqual(float(masked.masked_mean(self.real, nothing)), 0.0)
