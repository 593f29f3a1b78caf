"""Tests rewards and the loss of DPGAN against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.losses.diversity import (
  diversity_gap,
  diversity_rewards,
  text_mean,
)

B, T = 4, 3
RNG = np.random.RandomState(0)
WORDS = jnp.asarray(3 * RNG.exponential(size=(B, T)), jnp.float32)
LENGTHS = [3, 1, 2, 3]
COUNTED = jnp.arange(T)[None] < jnp.asarray(LENGTHS)[:, None]
REAL = jnp.asarray([True, False, True, True])
CLIPS = pytest.mark.parametrize('clip', [1.5, float('inf')])


def mean(b, clip):
  words = [min(float(WORDS[b, t]), clip) for t in range(LENGTHS[b])]
  return sum(words) / len(words)


def test_mean_counts_the_text_only():
  got = text_mean(WORDS, COUNTED)
  np.testing.assert_allclose(
    got, [mean(b, np.inf) for b in range(B)], rtol=1e-6
  )
  vectors = jnp.stack([WORDS, 2 * WORDS], axis=-1)
  np.testing.assert_allclose(
    text_mean(vectors, COUNTED), jnp.stack([got, 2 * got], -1), rtol=1e-6
  )
  assert not text_mean(WORDS, jnp.zeros((B, T), bool)).any()


@CLIPS
def test_rewards_equal_the_loop(clip):
  assert (WORDS > 1.5).any()
  got = diversity_rewards(WORDS, COUNTED, clip)
  want = np.zeros((B, T))
  for b in range(B):
    for t in range(LENGTHS[b]):
      want[b, t] = mean(b, clip) * min(float(WORDS[b, t]), clip)
  np.testing.assert_allclose(got, want, rtol=1e-5)


@CLIPS
def test_gap_equals_the_loop(clip):
  got = diversity_gap(WORDS, COUNTED, REAL, clip)
  real = [mean(b, clip) for b in range(B) if REAL[b]]
  fake = [mean(b, np.inf) for b in range(B) if not REAL[b]]
  np.testing.assert_allclose(got, np.mean(fake) - np.mean(real), rtol=1e-5)


def test_surprisal_of_real_text_has_a_bound_and_that_of_samples_has_none():
  clip = 5.0
  far = jnp.full((B, T), 1e6)
  own = jnp.where(REAL[:, None], far, WORDS)
  value, grad = jax.value_and_grad(diversity_gap)(own, COUNTED, REAL, clip)
  assert value >= -clip
  np.testing.assert_array_equal(grad != 0, COUNTED & ~REAL[:, None])
  # Words that D finds impossible still have a gradient in samples.
  grad = jax.grad(diversity_gap)(far, COUNTED, REAL, clip)
  np.testing.assert_array_equal(grad > 0, COUNTED & ~REAL[:, None])


def test_descent_raises_the_reward_of_real_text():
  grad = jax.grad(diversity_gap)(WORDS, COUNTED, REAL, 1e3)
  sign = jnp.where(REAL, -1, 1)[:, None]
  np.testing.assert_array_equal(jnp.sign(grad), jnp.where(COUNTED, sign, 0))


@pytest.mark.parametrize('real', [True, False])
def test_batch_of_one_kind_is_finite(real):
  value, grad = jax.value_and_grad(diversity_gap)(
    WORDS, COUNTED, jnp.full(B, real), 1e3
  )
  sign = -1 if real else 1
  want = sign * np.mean([mean(b, np.inf) for b in range(B)])
  np.testing.assert_allclose(value, want, rtol=1e-5)
  assert np.isfinite(grad).all()
