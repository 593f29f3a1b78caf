"""Where sequences end that are filled up with pads."""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def end_mask(tokens: Array, pad: int | None) -> Array:
  """bool [n, T]: True up to and including the first pad, its end symbol.

  Args:
    tokens: int32 [n, T].
    pad: the pad and end symbol; None for sequences of fixed length, where
      every position is real.
  """
  chex.assert_rank(tokens, 2)
  if pad is None:
    return jnp.ones(tokens.shape, bool)
  is_pad = (tokens == pad).astype(jnp.int32)
  return jnp.cumsum(is_pad, axis=1) - is_pad == 0
