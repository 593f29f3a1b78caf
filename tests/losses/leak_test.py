"""Losses of LeakGAN against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.losses.leak import (
  goal_cosines,
  intrinsic_rewards,
  manager_loss,
)

B, T, F = 3, 5, 4
RNG = np.random.RandomState(0)
FEATURES = RNG.randn(B, T + 1, F)
GOALS = RNG.randn(B, T, F)
STEPS = pytest.mark.parametrize('c', [1, 2, 3, T])


def cosine(x, y):
  lengths = np.sqrt((x**2).sum()) * np.sqrt((y**2).sum())
  return (x * y).sum() / lengths if lengths else 0.0


def arrays(*values):
  return [jnp.asarray(x, jnp.float32) for x in values]


@STEPS
def test_goal_cosines_equal_the_loop(c):
  got = goal_cosines(*arrays(FEATURES, GOALS), c)
  want = np.zeros((B, T - c + 1))
  for b in range(B):
    for t in range(T - c + 1):
      moved = FEATURES[b, t + c] - FEATURES[b, t]
      want[b, t] = cosine(moved, GOALS[b, t])
  np.testing.assert_allclose(got, want, atol=1e-6)


@STEPS
def test_intrinsic_rewards_equal_the_loop(c):
  got = intrinsic_rewards(*arrays(FEATURES, GOALS), c)
  want = np.zeros((B, T))
  for b in range(B):
    for t in range(T):
      own = []
      for i in range(1, c + 1):
        if t + 1 - i >= 0:
          moved = FEATURES[b, t + 1] - FEATURES[b, t + 1 - i]
          own.append(cosine(moved, GOALS[b, t + 1 - i]))
      want[b, t] = np.mean(own)
  np.testing.assert_allclose(got, want, atol=1e-6)
  # The published codes average over the batch and over the features.
  assert len(np.unique(np.round(got, 5))) == B * T


def test_rewards_depend_on_earlier_features_of_the_same_row():
  features, goals = arrays(FEATURES, GOALS)
  before = np.asarray(intrinsic_rewards(features, goals, 2))
  later = features.at[:, 4:].add(1.0), goals.at[:, 3:].add(1.0)
  after = np.asarray(intrinsic_rewards(*later, 2))
  np.testing.assert_array_equal(after[:, :3], before[:, :3])
  assert (after[:, 3:] != before[:, 3:]).all()
  other = features.at[1].add(RNG.randn(T + 1, F)), goals
  after = np.asarray(intrinsic_rewards(*other, 2))
  np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])


def test_a_vector_of_length_zero_has_no_reward_and_no_gradient():
  features, goals = arrays(np.zeros((B, T + 1, F)), GOALS)
  value, gradient = jax.value_and_grad(
    lambda g: jnp.sum(intrinsic_rewards(features, g, 2))
  )(goals)
  assert value == 0
  np.testing.assert_array_equal(gradient, 0)
  gradient = jax.grad(
    lambda g: jnp.sum(goal_cosines(jnp.asarray(FEATURES), g, 2))
  )(jnp.zeros((B, T, F)))
  assert np.isfinite(gradient).all()


@pytest.mark.parametrize('reduce', ['sum', 'mean', 'sequence'])
def test_manager_gradient_equals_finite_differences(reduce):
  features, goals = arrays(FEATURES, GOALS)
  weights = RNG.rand(B, T - 1)
  scale = {'sum': 1, 'mean': 1 / weights.size, 'sequence': 1 / B}[reduce]

  def naive(goals):
    return -scale * sum(
      weights[b, t] * cosine(FEATURES[b, t + 2] - FEATURES[b, t], goals[b, t])
      for b in range(B)
      for t in range(T - 1)
    )

  def loss(goals, weights):
    return manager_loss(goal_cosines(features, goals, 2), weights, reduce)

  value, gradients = jax.value_and_grad(loss, (0, 1))(goals, *arrays(weights))
  np.testing.assert_allclose(value, naive(GOALS), rtol=1e-5)
  np.testing.assert_array_equal(gradients[1], 0)
  for index in np.ndindex(B, T, F):
    shift = np.zeros_like(GOALS)
    shift[index] = 1e-5
    want = (naive(GOALS + shift) - naive(GOALS - shift)) / 2e-5
    np.testing.assert_allclose(gradients[0][index], want, atol=1e-5)
