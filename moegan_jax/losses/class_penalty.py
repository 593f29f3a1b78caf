"""Losses of SentiGAN: penalties of tokens, and a discriminator of classes."""

import chex
import jax
import jax.numpy as jnp
import optax

from moegan_jax.losses.policy_gradient import REDUCTIONS

Array = jax.Array


def expected_penalty(log_probs: Array, penalties: Array, reduce: str) -> Array:
  """Returns the sum over tokens of G(y_t | y_<t) V_t, which G minimises.

  Args:
    log_probs: [B, T], log G(y_t | y_<t)
    penalties: [B, T], V, treated as constants; 0 excludes a position
    reduce: see `policy_gradient.policy_gradient`

  Returns:
    A scalar. Its gradient by a log-probability is G(y_t | y_<t) V_t, so that it
    is bounded, and small for tokens that are rare already.

  Source: SentiGAN (Wang and Wan 2018).
  """
  chex.assert_rank([log_probs, penalties], 2)
  chex.assert_equal_shape([log_probs, penalties])
  constant = jax.lax.stop_gradient(penalties)
  return REDUCTIONS[reduce](jnp.exp(log_probs) * constant)


def own(logits: Array, classes: Array) -> Array:
  """Returns 1 - D_k(y), the probability that y is not real text of its class.

  Args:
    logits: [n, K + 1] of D
    classes: [n, K], one-hot classes k

  Returns:
    [n].
  """
  return 1 - jnp.sum(jax.nn.softmax(logits)[:, :-1] * classes, axis=-1)


def fake(logits: Array, classes: Array) -> Array:
  """Returns D_{K+1}(y), the probability of samples [n]; see `own`."""
  del classes
  return jax.nn.softmax(logits)[:, -1]


# Value of `sentigan.penalty` -> function of logits and classes.
PENALTIES = {'own': own, 'fake': fake}


def class_cross_entropy(logits: Array, target: Array) -> Array:
  """Returns the mean cross-entropy of K + 1 classes.

  Args:
    logits: [n, K + 1] of D
    target: int32 [n], the class of real text, and K for samples
  """
  return optax.softmax_cross_entropy_with_integer_labels(logits, target).mean()
