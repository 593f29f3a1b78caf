"""The likelihood loss of maximum-likelihood training."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def log_likelihood(logits: Array, tokens: Array) -> Array:
  """log p(token_t | prefix) in nats, [B, T].

  Computed as the token's logit, a gather, minus the logsumexp: the log-softmax
  and the one-hot rows [B, T, V] are never formed.

  Args:
    logits: [B, T, V]
    tokens: int [B, T], in [0, V); an id beyond makes the value NaN.
  """
  chex.assert_rank([logits, tokens], [3, 2])
  chex.assert_equal_shape_prefix([logits, tokens], 2)
  chex.assert_type(tokens, int)
  chosen = jnp.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
  return chosen - jax.nn.logsumexp(logits, axis=-1)


def negative_log_likelihood(logits: Array, tokens: Array) -> Array:
  """The mean of -log p(token_t | prefix) over all B T positions, in nats.

  The loss of MLE pre-training, and NLL_gen as the papers compute it: padding
  is predicted and counted as any other symbol (so the published code of RelGAN
  and TextGAN-PyTorch). A mean per real token is a measure, not this loss.

  Args:
    logits: [B, T, V]
    tokens: int [B, T], see `log_likelihood`

  Returns:
    A scalar.
  """
  return -jnp.mean(log_likelihood(logits, tokens))
