"""Losses and rewards of a discriminator that judges every prefix of a text.

Source: ScratchGAN (Masson d'Autume et al. 2019). A logit of 0 at a position
after the end of a text gives the reward 0, and log 2 in the loss of D.
"""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def prefix_cross_entropy(real: Array, fake: Array) -> Array:
  """Returns the cross-entropy of D, half for real text and half for samples.

  Args:
    real: [B, T], logits of the prefixes of real text
    fake: [B, T], logits of the prefixes of samples

  Returns:
    A scalar, the mean over all B T positions.
  """
  chex.assert_rank([real, fake], 2)
  return (jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()) / 2


def prefix_rewards(logits: Array) -> Array:
  """Returns r_t = 2 D_t - 1, in (-1, 1), with D_t = sigmoid(logit).

  Args:
    logits: [B, T]

  Returns:
    [B, T].
  """
  # The hyperbolic tangent keeps the precision near 0, which 2 D - 1 loses.
  return jnp.tanh(logits / 2)
