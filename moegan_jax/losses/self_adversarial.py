"""The loss of DGSAN, whose discriminator is a ratio of two generators.

Source: Montahaei et al. 2019. D = p_new / (p_new + p_old) is the sigmoid of the
logit log p_new - log p_old, of a token or of a text. A logit of 0 at a position
after the end of a text has no gradient, and log 2 in the loss.
"""

import chex
import jax
import jax.numpy as jnp

from moegan_jax.losses.policy_gradient import REDUCTIONS

Array = jax.Array

LEVELS = ('token', 'sequence')


def log_ratios(new: Array, old: Array, counted: Array, level: str) -> Array:
  """Returns D's logits log p_new - log p_old.

  Args:
    new: [B, T], log-probabilities of the tokens of texts, in nats
    old: [B, T], those of the previous generator
    counted: bool [B, T], the positions of the text
    level: 'token', or 'sequence' for the sum over positions

  Returns:
    [B, T], 0 at other positions, or [B, 1].
  """
  chex.assert_rank([new, old, counted], 2)
  chex.assert_equal_shape([new, old, counted])
  each = jnp.where(counted, new - old, 0)
  return each if level == 'token' else each.sum(1, keepdims=True)


def self_adversarial(real: Array, fake: Array, reduce: str) -> Array:
  """Returns the reduced -log D(real) - log(1 - D(fake)).

  Args:
    real: [B, K], D's logits for real text
    fake: [B, K], D's logits for samples of the previous generator
    reduce: a key of `policy_gradient.REDUCTIONS`

  Returns:
    A scalar.

  It is finite for all finite logits. Ratios of probabilities would overflow.
  """
  chex.assert_equal_shape([real, fake])
  terms = jax.nn.softplus(-real) + jax.nn.softplus(fake)
  return REDUCTIONS[reduce](terms)
