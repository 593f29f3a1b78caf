"""The class of a text as the context of a conditional generator."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.ops import random
from moegan_jax.types import Array, Support

# The step at which a row draws its class. No draw of a token uses it.
_STEP = 2**32 - 1


def support(shares: Sequence[float]) -> Support:
  """Returns the one-hot classes and the logarithms of their shares.

  Args:
    shares: the K shares of the classes, which sum to one
  """
  count = len(shares)
  return Support(jnp.eye(count), jnp.log(jnp.asarray(shares, jnp.float32)))


def draw(rows: Array, shares: Sequence[float]) -> Array:
  """Draws the class of each row from the shares.

  Args:
    rows: uint32 [n, 2], see `random.row_keys`. A class depends on the key of
      its row only.
    shares: the K shares of the classes, which sum to one

  Returns:
    float32 [n, K], one-hot.
  """
  u = random.row_uniform(rows, jnp.uint32(_STEP))[:, None]
  # A row has the first class whose cumulated share exceeds u.
  bounds = jnp.asarray(np.cumsum(shares)[:-1], jnp.float32)[None]
  return jax.nn.one_hot(jnp.sum(u >= bounds, axis=1), len(shares))
