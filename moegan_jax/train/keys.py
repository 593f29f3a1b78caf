"""Keys of a run: each is folded from the key of a seed, a step and a use."""

import jax

from moegan_jax.types import Array

# Uses of a key. Each is folded into the key, so that no key is used twice.
ORDER, DRAW, UPDATE, EVALUATE = range(4)


def use_key(key: Array, step: Array | int, use: int) -> Array:
  """The key of one seed for one use at one step."""
  return jax.random.fold_in(jax.random.fold_in(key, step), use)
