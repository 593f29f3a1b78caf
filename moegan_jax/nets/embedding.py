"""The word embedding at the entrance of every discriminator.

The functions take a discriminator's parameters, in which the table [V, E] is
called 'embed', and serve as `types.Discriminator.embed` and `.gram`.
"""

import jax
import jax.numpy as jnp

from moegan_jax.types import Params

Array = jax.Array


def embed(params: Params, tokens: Array) -> Array:
  """Tokens int [B, T] or weights [B, T, V] -> [B, T, E]."""
  if jnp.issubdtype(tokens.dtype, jnp.integer):
    # A gather; the product with one-hot rows would be V times the work.
    return params['embed'][tokens]
  return tokens @ params['embed']


def gram(params: Params) -> Array:
  """Inner products of the table's columns, [E, E]."""
  return params['embed'].T @ params['embed']
