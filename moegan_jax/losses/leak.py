"""Losses of LeakGAN: goals that point to where the features of a text go.

Source: Guo et al., "Long Text Generation via Adversarial Training with Leaked
Information" (AAAI 2018).

f_t are D's features of the first t tokens, t = 0 ... T, and g_t the goal of the
manager at f_t, t = 0 ... T - 1. They are arrays [B, T + 1, F] and [B, T, F].
Token t is drawn at f_t and leads to f_(t + 1), both counted from 0. A cosine
with a vector of length 0 is 0. So is its gradient.
"""

import chex
import jax
import jax.numpy as jnp

from moegan_jax.losses.policy_gradient import REDUCTIONS
from moegan_jax.ops.distances import unit

Array = jax.Array


def _cosine(x: Array, y: Array, eps: float = 1e-12) -> Array:
  """Returns the cosine over the last axis."""
  return jnp.sum(unit(x, eps) * unit(y, eps), axis=-1)


def goal_cosines(features: Array, goals: Array, step_size: int) -> Array:
  """Returns cos(f_(t + c) - f_t, g_t), t = 0 ... T - c.

  Args:
    features: [B, T + 1, F]
    goals: [B, T, F]
    step_size: c, from 1 to T

  Returns:
    [B, T - c + 1].
  """
  _check(features, goals)
  moved = features[:, step_size:] - features[:, :-step_size]
  return _cosine(moved, goals[:, : moved.shape[1]])


def intrinsic_rewards(features: Array, goals: Array, step_size: int) -> Array:
  """Returns the reward of each token, how far it follows the last c goals.

  Args:
    features: [B, T + 1, F]
    goals: [B, T, F]
    step_size: c, from 1 to T

  Returns:
    [B, T]. Entry t is the mean over i = 1 ... min(c, t + 1) of

        cos(f_(t + 1) - f_(t + 1 - i), g_(t + 1 - i)).

  These are the goals that the worker reads when it writes token t. The first
  tokens have fewer than c goals of the manager, and the mean is over these.
  """
  _check(features, goals)
  length = goals.shape[1]
  total = jnp.zeros(goals.shape[:2])
  for i in range(1, step_size + 1):
    cosines = goal_cosines(features, goals, i)
    total = total + jnp.pad(cosines, ((0, 0), (i - 1, 0)))
  count = jnp.minimum(jnp.arange(1, length + 1), step_size)
  return total / count[None]


def manager_loss(cosines: Array, weights: Array, reduce: str) -> Array:
  """Returns minus the sum of the weighted cosines of the goals.

  Args:
    cosines: [B, T - c + 1], see `goal_cosines`
    weights: an array of the same shape, treated as constants: Q of each goal,
      or 1 in pre-training; 0 excludes a goal
    reduce: see `losses.policy_gradient`
  """
  chex.assert_equal_shape([cosines, weights])
  return -REDUCTIONS[reduce](cosines * jax.lax.stop_gradient(weights))


def _check(features: Array, goals: Array) -> None:
  chex.assert_rank([features, goals], 3)
  chex.assert_equal(features.shape[1], goals.shape[1] + 1)
