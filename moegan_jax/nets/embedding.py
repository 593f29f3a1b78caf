"""The word embedding that all discriminators share.

The functions implement `types.Discriminator.embed` and `.gram`. They read the
table [V, E] from the entry 'embed' of a discriminator's parameters.
"""

import jax
import jax.numpy as jnp

from moegan_jax.types import Params

Array = jax.Array


def embed(params: Params, tokens: Array) -> Array:
  """Embeds int tokens [B, T] or weights over words [B, T, V] as [B, T, E]."""
  if jnp.issubdtype(tokens.dtype, jnp.integer):
    # A gather, because a product with one-hot rows takes V times the work.
    return params['embed'][tokens]
  return tokens @ params['embed']


def gram(params: Params) -> Array:
  """Returns the inner products of the columns of the table, [E, E]."""
  return params['embed'].T @ params['embed']
