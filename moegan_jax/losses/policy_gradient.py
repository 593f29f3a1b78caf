"""Policy gradients: log-probabilities weighted by constants.

The gradient of E R(y) over y ~ G is E R(y) grad log G(y) (Williams 1992). The
functions turn rewards into the weight of each token. No gradient flows through
a weight.
"""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array

# Name -> function from terms [B, T] to the loss.
REDUCTIONS = {
  'sum': jnp.sum,
  'mean': jnp.mean,
  'sequence': lambda terms: jnp.mean(jnp.sum(terms, axis=1)),
}


def policy_gradient(log_probs: Array, weights: Array, reduce: str) -> Array:
  """Returns minus the sum of the weighted log-probabilities of tokens.

  Args:
    log_probs: [B, T], log G(token_t | prefix)
    weights: [B, T], treated as constants; 0 excludes a position
    reduce: 'sum' over sequences and positions (SeqGAN, Yu et al. 2017); 'mean'
      over all B T positions; 'sequence': the sum over positions and the mean
      over sequences, whose gradient estimates -grad E R

  Returns:
    A scalar.
  """
  chex.assert_rank([log_probs, weights], 2)
  chex.assert_equal_shape([log_probs, weights])
  return -REDUCTIONS[reduce](log_probs * jax.lax.stop_gradient(weights))


def rewards_to_go(rewards: Array, discount: float) -> Array:
  """Returns R_t = sum over s >= t of discount^(s - t) r_s.

  Args:
    rewards: [B, T]
    discount: 1 for plain sums

  Returns:
    [B, T].
  """

  def step(later: Array, reward: Array):
    total = reward + discount * later
    return total, total

  start = jnp.zeros_like(rewards[:, 0])
  _, totals = jax.lax.scan(step, start, rewards.T, reverse=True)
  return totals.T


def rank_rescale(scores: Array, delta: float) -> Array:
  """Returns sigmoid(delta (1/2 - rank / B)), which increases with the score.

  Args:
    scores: [B] or [B, T]; the ranks are those within a column
    delta: steepness; LeakGAN's code has 16

  Returns:
    An array like `scores`. The highest of B scores has rank 1 and the lowest
    has rank B. Equal scores share their mean rank.

  Source: bootstrapped rescaled activation, LeakGAN (Guo et al. 2018).
  """
  higher = scores[None] > scores[:, None]  # [own, other]
  equal = scores[None] == scores[:, None]
  rank = higher.sum(1) + (equal.sum(1) + 1) / 2
  return jax.nn.sigmoid(delta * (0.5 - rank / scores.shape[0]))


def normalised_weights(log_ratios: Array, baseline: Array | float) -> Array:
  """Returns w_i = r_i / (sum of r) - baseline / m.

  Args:
    log_ratios: [..., m], log r of m sequences
    baseline: b in [0, 1]. The first term has mean 1 / m, so the weights sum to
      0 for b = 1.

  Returns:
    [..., m].

  Source: MaliGAN (Che et al. 2017), with b relative to the mean weight.
  """
  return jax.nn.softmax(log_ratios, axis=-1) - baseline / log_ratios.shape[-1]


def clipped_ratio(log_ratios: Array, advantages: Array, clip: float) -> Array:
  """Returns min(r A, clip(r, 1 - clip, 1 + clip) A), which a policy maximises.

  Args:
    log_ratios: log r, new over old log-probability; the gradient flows here
    advantages: A, an array of the same shape, treated as constants
    clip: largest deviation of r from 1 that the objective rewards

  Source: PPO (Schulman et al. 2017).
  """
  chex.assert_equal_shape([log_ratios, advantages])
  advantages = jax.lax.stop_gradient(advantages)
  ratios = jnp.exp(log_ratios)
  bounded = jnp.clip(ratios, 1 - clip, 1 + clip)
  return jnp.minimum(ratios * advantages, bounded * advantages)


def moving_baseline(baseline: Array, rewards: Array, decay: float) -> Array:
  """Returns decay * baseline + (1 - decay) * mean(rewards).

  Args:
    baseline: scalar, the present value
    rewards: of one batch, any shape
    decay: share of the present value that is kept
  """
  return decay * baseline + (1 - decay) * jnp.mean(rewards)


def batch_baseline(values: Array, counted: Array) -> Array:
  """Returns the mean over the batch at each position.

  Args:
    values: [B, T], such as rewards to go
    counted: bool [B, T], the positions of the texts

  Returns:
    [1, T]; 0 where no text has a position.

  The mean includes the row from which it is subtracted, so the expected
  gradient is that without a baseline, times 1 - 1 / B.
  """
  total = jnp.where(counted, values, 0).sum(0, keepdims=True)
  return total / jnp.maximum(counted.sum(0, keepdims=True), 1)
