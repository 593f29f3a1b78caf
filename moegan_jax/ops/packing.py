"""Joins the vectors of a set of parameters into one array.

The gradient of a scan adds up one array per parameter at each step. On a GPU
every addition is a kernel, whose launch outweighs the work for a bias. As parts
of one array, all biases and gains need one addition. The step must restore them
under `jax.checkpoint`; otherwise JAX does so outside of the scan.
"""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from moegan_jax.types import Array, Params

# Ends of the names of parameters that are added to rows or multiply them.
_VECTORS = ('bias', 'scale')
# The vector, and the list of leaves with None in place of its parts.
Packed = tuple[Array, Any]


def pack(params: Params) -> tuple[Packed, Callable[[Packed], Params]]:
  """Joins all biases and gains.

  Args:
    params: a dict of dicts of arrays.

  Returns:
    The packed parameters, and the function that restores `params` from them.
  """
  found, tree = jax.tree_util.tree_flatten_with_path(params)
  leaves = [x for _, x in found]
  chosen = [
    i
    for i, (path, _) in enumerate(found)
    if str(getattr(path[-1], 'key', '')).endswith(_VECTORS)
  ]
  vector = jnp.concatenate([jnp.zeros(0), *(leaves[i].ravel() for i in chosen)])
  ends = itertools.accumulate(leaves[i].size for i in chosen)
  places = {i: (end - leaves[i].size, end) for i, end in zip(chosen, ends)}
  rest = [None if i in places else x for i, x in enumerate(leaves)]

  def unpack(packed: Packed) -> Params:
    vector, rest = packed
    whole = list(rest)
    for i, (first, end) in places.items():
      whole[i] = vector[first:end].reshape(leaves[i].shape)
    return jax.tree.unflatten(tree, whole)

  return (vector, rest), unpack
