"""A ring buffer of token sequences: the newest rows replace the oldest ones.

The buffer belongs in `TrainState.memory`. It has a fixed size, so a compiled
update can carry it.
"""

import chex
import flax
import jax
import jax.numpy as jnp

Array = jax.Array


class Ring(flax.struct.PyTreeNode):
  """A ring buffer. Rows 0 to `count - 1` are written.

  Attributes:
    rows: int32 [n, T], token sequences
    next: int32 scalar, the index that is written next
    count: int32 scalar, number of written rows, at most n
  """

  rows: Array
  next: Array
  count: Array


def create(size: int, length: int) -> Ring:
  """Returns an empty buffer.

  Args:
    size: n, number of rows
    length: T
  """
  rows = jnp.zeros((size, length), jnp.int32)
  return Ring(rows, jnp.int32(0), jnp.int32(0))


def put(ring: Ring, batch: Array) -> Ring:
  """Writes the rows of a batch in order, each over the oldest row.

  Args:
    ring: the buffer of n rows
    batch: int32 [m, T]; only the last n rows remain if m > n
  """
  chex.assert_equal_shape_suffix([ring.rows, batch], 1)
  size, new = ring.rows.shape[0], batch.shape[0]
  kept = batch[-size:]
  # No index occurs twice, so the order of the writes does not matter.
  at = (ring.next + jnp.arange(new - kept.shape[0], new)) % size
  return Ring(
    ring.rows.at[at].set(kept),
    (ring.next + new) % size,
    jnp.minimum(ring.count + new, size),
  )


def draw(ring: Ring, key: Array, m: int) -> Array:
  """Draws written rows uniformly, with replacement.

  Args:
    ring: the buffer; it must not be empty, since an empty buffer gives zeros
    key: typed PRNG key, not used for any other draw
    m: number of rows

  Returns:
    int32 [m, T].
  """
  return ring.rows[jax.random.randint(key, (m,), 0, ring.count)]
