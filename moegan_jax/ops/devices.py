"""Sharding constraints for arrays that do not derive from a batch.

The training loop compiles its program for a mesh with an axis `data`. The
compiler shards most arrays like the batch they are computed from. Arrays
computed from a PRNG key alone need an explicit constraint, which `split` adds.
Without a mesh these functions do nothing.
"""

import jax
from jax.sharding import PartitionSpec as P

Array = jax.Array

DATA = 'data'  # name of the mesh axis along which batches are sharded


def parts() -> int:
  """Returns the number of devices that a batch of the current program spans."""
  return jax.sharding.get_abstract_mesh().shape.get(DATA, 1)


def split(x: Array, axis: int = 0) -> Array:
  """Shards one axis of an array over the devices.

  Args:
    x: array of any shape
    axis: the batch axis; the sharding of the axes before it stays unconstrained

  Returns:
    The same array, unchanged without a mesh.
  """
  if parts() == 1:
    return x
  others = [P.UNCONSTRAINED] * axis
  return jax.lax.with_sharding_constraint(x, P(*others, DATA))
