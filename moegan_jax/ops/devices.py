"""The devices of the current program, and sharding constraints.

The training loop compiles its program for a mesh with an axis `data`. The
compiler shards most arrays like the batch they are computed from. Arrays
computed from a PRNG key alone need an explicit constraint, which `split` adds.
Without a mesh these functions do nothing.
"""

import contextlib
import contextvars
from collections.abc import Iterator

import jax
from jax.sharding import PartitionSpec as P

Array = jax.Array

DATA = 'data'  # name of the mesh axis along which batches are sharded


_PLATFORM: contextvars.ContextVar[str | None] = contextvars.ContextVar(
  'platform', default=None
)


@contextlib.contextmanager
def compiling_for(device: jax.Device | None) -> Iterator[None]:
  """Declares the device of the programs that are traced within.

  Args:
    device: any device of the program, which may be absent; None for the default
      device
  """
  token = _PLATFORM.set(None if device is None else device.platform)
  try:
    yield
  finally:
    _PLATFORM.reset(token)


def platform() -> str:
  """Returns the platform of the current program: 'cpu', 'gpu' or 'tpu'."""
  name = _PLATFORM.get() or jax.default_backend()
  return 'gpu' if name in ('cuda', 'rocm') else name


def unroll(steps: int) -> int:
  """Returns the timesteps per iteration of a compiled scan.

  Args:
    steps: the number, or 0 for that of the platform: 2 on a GPU, where kernels
      of two steps are joined, and 1 elsewhere
  """
  return steps or (2 if platform() == 'gpu' else 1)


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
