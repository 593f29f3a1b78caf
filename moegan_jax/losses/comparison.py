"""Comparisons of pairs of texts: the loss of the comparative D, and rewards.

Source: Zhou et al., "Self-Adversarial Learning with Comparative Discrimination
for Text Generation" (ICLR 2020).

D assigns the ordered pair (a, b) one of three classes: a is better than b, a is
worse, or both are indistinguishable. D need not agree with itself on (b, a), so
the probabilities are averaged over both orders:

    P(a > b) = (D(> | a, b) + D(< | b, a)) / 2 = P(b < a)
    P(a ~ b) = (D(~ | a, b) + D(~ | b, a)) / 2 = P(b ~ a)
"""

import chex
import jax
import jax.numpy as jnp
import optax

Array = jax.Array

# Classes of a pair, in the order of the logits.
BETTER, WORSE, INDISTINGUISHABLE = range(3)
_MIRRORED = (WORSE, BETTER, INDISTINGUISHABLE)


def pair_probabilities(logits: Array, mirrored: Array) -> Array:
  """Returns the probabilities of the classes, averaged over both orders.

  Args:
    logits: [m, k, 3], of the pairs (a_i, b_j)
    mirrored: [k, m, 3], of the pairs (b_j, a_i)

  Returns:
    [m, k, 3], P(a_i > b_j), P(a_i < b_j) and P(a_i ~ b_j).
  """
  chex.assert_equal_shape([logits, jnp.swapaxes(mirrored, 0, 1)])
  back = jnp.swapaxes(jax.nn.softmax(mirrored), 0, 1)
  return (jax.nn.softmax(logits) + back[..., jnp.asarray(_MIRRORED)]) / 2


def comparison_loss(logits: Array, real: Array) -> Array:
  """Returns D's cross-entropy, a mean over all pairs of different texts.

  Args:
    logits: [B, B, 3], of the ordered pairs of B texts
    real: bool [B], True for real text, False for samples

  Returns:
    A scalar. Real text is better than a sample, and texts of the same kind are
    indistinguishable. No class has a weight: with n texts of each kind, 2 n^2
    pairs differ in kind and 2 n (n - 1) agree.
  """
  size = real.shape[0]
  chex.assert_shape(logits, (size, size, 3))
  one, other = real[:, None], real[None]
  labels = jnp.where(one == other, INDISTINGUISHABLE, WORSE)
  labels = jnp.where(one > other, BETTER, labels)
  each = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  return each.mean(where=~jnp.eye(size, dtype=bool))


def mean_better(probabilities: Array) -> Array:
  """Returns the mean of P(a_i > a_j) over the other texts j of a batch.

  Args:
    probabilities: [B, B, 3], see `pair_probabilities`

  Returns:
    [B].
  """
  size = probabilities.shape[0]
  others = ~jnp.eye(size, dtype=bool)
  return probabilities[..., BETTER].mean(1, where=others)


def comparison_rewards(probabilities: Array, weights: Array) -> Array:
  """Returns the mean of w_0 P(>) + w_1 P(<) + w_2 P(~) over the references.

  Args:
    probabilities: [m, k, 3], of m texts and k references
    weights: [3], w

  Returns:
    [m], between the smallest and the largest weight.
  """
  return (probabilities * weights[None, None]).sum(-1).mean(1)
