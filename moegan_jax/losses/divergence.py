"""Divergences of next-token distributions, from logits."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def token_divergence(logits: Array, other: Array) -> Array:
  """Returns KL(p || q) at each position, in nats.

  Args:
    logits: [B, T, V], of p
    other: [B, T, V], of q

  Returns:
    [B, T]. Both arguments receive gradients.
  """
  chex.assert_rank([logits, other], 3)
  chex.assert_equal_shape([logits, other])
  log_p, log_q = jax.nn.log_softmax(logits), jax.nn.log_softmax(other)
  return jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=-1)


def mediated_divergence(
  logits: Array, mediator_logits: Array, counted: Array
) -> Array:
  """Returns the loss of CoT's generator on its own samples.

  Args:
    logits: [B, T, V], of the generator G
    mediator_logits: [B, T, V], of the mediator M; constants
    counted: bool [B, T], False where a position contributes 0

  Returns:
    A scalar, the sum of KL(G(. | prefix) || M(. | prefix)) over the counted
    positions, divided by all B T positions.

  All V words of a position contribute, not only the sampled one, which lowers
  the variance. The expected sum over a sample is KL(G || M) of whole texts, by
  the chain rule (Lu et al. 2019).
  """
  chex.assert_equal_shape_prefix([logits, counted], 2)
  constant = jax.lax.stop_gradient(mediator_logits)
  each = token_divergence(logits, constant)
  return jnp.mean(jnp.where(counted, each, 0))
