"""PRNG keys of a run, folded from the key of a seed, a step and a use."""

import jax

from moegan_jax.types import Array

# Uses of a key: permutation of an epoch, rows of a batch, update, evaluation.
ORDER, DRAW, UPDATE, EVALUATE = range(4)


def use_key(key: Array, step: Array | int, use: int) -> Array:
  """Derives the key of one use at one step.

  Args:
    key: typed PRNG key of a seed.
    step: the global step; the index of the epoch for ORDER.
    use: one of ORDER, DRAW, UPDATE and EVALUATE.
  """
  return jax.random.fold_in(jax.random.fold_in(key, step), use)
