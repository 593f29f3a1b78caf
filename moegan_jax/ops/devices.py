"""What arrays have to do with several devices: which axis is split.

The loop compiles its program for a mesh with an axis `data`. Most arrays
follow the batch they come from; said here is what follows nothing, because
it begins with a key. Without a mesh none of it does anything.
"""

import jax
from jax.sharding import PartitionSpec as P

Array = jax.Array

DATA = 'data'  # the axis of the mesh that batches are split along


def parts() -> int:
  """Over how many devices a batch of the present program is split."""
  return jax.sharding.get_abstract_mesh().shape.get(DATA, 1)


def split(x: Array, axis: int = 0) -> Array:
  """The same array, with an axis over the batch split over the devices."""
  if parts() == 1:
    return x
  others = [P.UNCONSTRAINED] * axis
  return jax.lax.with_sharding_constraint(x, P(*others, DATA))
