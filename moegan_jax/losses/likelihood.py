"""Losses of maximum-likelihood training."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def log_likelihood(logits: Array, tokens: Array) -> Array:
  """Returns log p(token_t | prefix) in nats.

  Args:
    logits: [B, T, V]
    tokens: int [B, T], in [0, V); an id out of range gives NaN

  Returns:
    [B, T].

  It subtracts the logsumexp from the token's logit. Neither the log-softmax nor
  the one-hot rows [B, T, V] are formed.
  """
  chex.assert_rank([logits, tokens], [3, 2])
  chex.assert_equal_shape_prefix([logits, tokens], 2)
  chex.assert_type(tokens, int)
  chosen = jnp.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
  return chosen - jax.nn.logsumexp(logits, axis=-1)


def negative_log_likelihood(logits: Array, tokens: Array) -> Array:
  """Returns the mean of -log p(token_t | prefix) over all B T positions.

  Args:
    logits: [B, T, V]
    tokens: int [B, T], see `log_likelihood`

  Returns:
    A scalar, in nats per position.

  This is the loss of MLE pre-training, and NLL_gen of the papers. Padding is
  predicted and counted like any other symbol, as in the published code of
  RelGAN and TextGAN-PyTorch. The mean per real token is a metric, not this
  loss.
  """
  return -jnp.mean(log_likelihood(logits, tokens))
