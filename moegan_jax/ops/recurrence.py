"""Scan of a cell over given inputs, for encoders and known distributions.

In `moegan_jax.decode` the output of a step chooses the next input.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from moegan_jax.ops import devices


def unroll(
  cell: Callable[[Any, Any], tuple[Any, Any]],
  carry: Any,
  inputs: Any,
  unroll: int = 1,
) -> tuple[Any, Any]:
  """Applies `cell` to inputs[:, 0], inputs[:, 1], ...

  Args:
    cell: (carry, x [n, ...]) -> (carry, y [n, ...])
    carry: state before the first step
    inputs: pytree of arrays [n, T, ...]
    unroll: see `devices.unroll`

  Returns:
    The last carry, and the outputs in batch-major order, [n, T, ...].
  """
  time_major = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), inputs)
  carry, outputs = jax.lax.scan(
    cell, carry, time_major, unroll=devices.unroll(unroll)
  )
  return carry, jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), outputs)
