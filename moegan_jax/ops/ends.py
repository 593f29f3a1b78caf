"""Masks for sequences that are padded after their end."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


def padded(tokens: Array, pad: int | None) -> Array:
  """Returns the tokens with `pad` at all positions after the first pad.

  Args:
    tokens: int32 [n, T]
    pad: see `end_mask`; None returns the tokens unchanged

  Returns:
    int32 [n, T].
  """
  if pad is None:
    return tokens
  return jnp.where(end_mask(tokens, pad), tokens, pad)


def end_mask(tokens: Array | np.ndarray, pad: int | None) -> Array:
  """Returns a mask that is True up to and including the first pad.

  Args:
    tokens: int32 [n, T]
    pad: id of the pad and end symbol, or None for sequences of fixed length,
      where every position counts

  Returns:
    bool [n, T]. The first pad counts because it is the end symbol.
  """
  chex.assert_rank(tokens, 2)
  if pad is None:
    return jnp.ones(tokens.shape, bool)
  is_pad = (tokens == pad).astype(jnp.int32)
  return jnp.cumsum(is_pad, axis=1) - is_pad == 0
