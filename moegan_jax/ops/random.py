"""Random numbers per row, independent of the batch size.

Row i of a sample depends on the key of the run and on i only, so that every
batch size gives the same text. The generator is Threefry-2x32 in counter mode,
the default of JAX. Its rounds are unrolled here, because XLA's CPU backend
compiles the rounds of JAX's own version to a loop, which is several times
slower.
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp

from moegan_jax.ops import devices

Array = jax.Array

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


@jax.jit  # traced once for all draws of equal shapes
def threefry2x32(k0, k1, x0, x1) -> tuple[Array, Array]:
  """Applies Threefry-2x32 with 20 rounds elementwise (Salmon et al. 2011).

  Args:
    k0, k1: uint32, the two words of the key
    x0, x1: uint32, the two words of the counter; all four broadcast

  Returns:
    Two uint32 arrays, equal to those of `jax.extend.random.threefry_2x32`.
  """
  keys = (k0, k1, k0 ^ k1 ^ jnp.uint32(0x1BD11BDA))
  x0, x1 = x0 + keys[0], x1 + keys[1]
  for block in range(5):
    for r in _ROTATIONS[block % 2]:
      x0 = x0 + x1
      x1 = (x1 << jnp.uint32(r)) | (x1 >> jnp.uint32(32 - r))
      x1 = x0 ^ x1
    x0 = x0 + keys[(block + 1) % 3]
    x1 = x1 + keys[(block + 2) % 3] + jnp.uint32(block + 1)
  return x0, x1


def row_keys(key: Array, n: int, first: Array | int = 0) -> Array:
  """Returns the key words of the rows `first` to `first + n - 1`.

  Args:
    key: typed PRNG key
    n: number of rows
    first: index of the first row

  Returns:
    uint32 [n, 2].
  """
  rows = jnp.asarray(first, jnp.int32) + jnp.arange(n, dtype=jnp.int32)
  keys = jax.vmap(jax.random.fold_in, (None, 0))(key, rows)
  data = jax.random.key_data(keys)
  chex.assert_shape(data, (n, 2))
  # The arrays of a sample are computed from its keys and sharded like them.
  return devices.split(data)


def row_gumbel(rows: Array, t: Array | int, width: int) -> Array:
  """Returns standard Gumbel noise of the rows at step t.

  Args:
    rows: uint32 [..., 2], see `row_keys`
    t: the step, a scalar or an integer array that broadcasts against [...]
    width: number of values per row

  Returns:
    float32 [..., width].

  g = -log(-log u) with u uniform on a grid of spacing 2^-23, as in
  `jax.random.gumbel`. Each Threefry block gives two words: one for the first
  half of a row and one for the second half.
  """
  # Replaces 0, whose logarithm is infinite, by the smallest normal number.
  u = jnp.maximum(
    _one_to_two(_row_bits(rows, t, width)) - 1.0, jnp.finfo(jnp.float32).tiny
  )
  return -jnp.log(-jnp.log(u))


def row_uniform(rows: Array, t: Array | int) -> Array:
  """Returns one number of each row at step t, uniform in [0, 1).

  Args:
    rows: uint32 [..., 2], see `row_keys`
    t: the step, as for `row_gumbel`, which uses the same bits

  Returns:
    float32 [...], multiples of 2^-23.
  """
  return _one_to_two(_row_bits(rows, t, 1))[..., 0] - 1.0


def row_normal(rows: Array, width: int) -> Array:
  """Returns standard normal values of the rows.

  Args:
    rows: uint32 [..., 2], see `row_keys`
    width: number of values per row

  Returns:
    float32 [..., width], with absolute values of at most 5.2.

  For values that a row draws once and not at every step, such as a latent
  vector. They use step 2^32 - 1, which `row_gumbel` never uses. z = sqrt(2)
  erfinv(u) with u uniform on a grid of spacing 2^-22 in (-1, 1).
  """
  return _normal(_row_bits(rows, jnp.uint32(2**32 - 1), width))


def dropout(x: Array, key: Array, rate: float) -> Array:
  """Sets a random share of the entries to 0 and scales up the others.

  Args:
    x: float [...]
    key: typed PRNG key, not used for any other draw
    rate: share of dropped entries, in [0, 1)

  Returns:
    An array like x, with the kept entries divided by 1 - rate.

  It takes one Threefry word per entry where `jax.random.bernoulli` takes two,
  and is about ten times as fast on a CPU. That matters for large arrays.
  """
  if not rate:
    return x
  words = jax.random.key_data(key)
  half = -(-x.size // 2)
  # No fold_in or split of this key reaches this first counter word.
  block = partial(threefry2x32, words[0], words[1], jnp.uint32(2**32 - 1))
  if devices.parts() == 1:
    bits = jnp.concatenate(block(jax.lax.iota(jnp.uint32, half)))
    bits = bits[: x.size].reshape(x.shape)
  else:
    # The same bits, computed where each entry is stored. This doubles the work
    # but avoids communication between devices.
    index = _flat_index(x.shape)
    first, second = block(jnp.where(index < half, index, index - half))
    bits = jnp.where(index < half, first, second)
  kept = bits >= jnp.uint32(rate * 2**32)
  return jnp.where(kept, x / (1 - rate), 0)


def _flat_index(shape: tuple[int, ...]) -> Array:
  """Returns the index of each entry in the flattened array, uint32 [*shape]."""
  index = jnp.zeros(shape, jnp.uint32)
  for axis, size in enumerate(shape):
    index = index * jnp.uint32(size) + jax.lax.broadcasted_iota(
      jnp.uint32, shape, axis
    )
  return index


def _normal(bits: Array) -> Array:
  """Converts uint32 bits to finite standard normal values."""
  # Clipped, because a compiler that reorders sums may cancel a small offset.
  limit = 1.0 - 2.0**-22
  u = jnp.clip(2.0 * (_one_to_two(bits) - 1.0) - 1.0, -limit, limit)
  return 2**0.5 * jax.lax.erf_inv(u)


def _row_bits(rows: Array, t: Array | int, width: int) -> Array:
  """Returns random bits of the rows at step t, uint32 [..., width].

  See `row_gumbel` for the arguments.
  """
  half = -(-width // 2)
  step = jnp.asarray(t).astype(jnp.uint32)
  step = step[..., None] if step.ndim else step
  counter = jnp.arange(half, dtype=jnp.uint32)
  counter = counter.reshape(*[1] * (rows.ndim - 1), half)
  first, second = threefry2x32(rows[..., :1], rows[..., 1:], step, counter)
  return jnp.concatenate([first, second], axis=-1)[..., :width]


def _one_to_two(bits: Array) -> Array:
  """Converts uint32 bits to float32 in [1, 2), on a grid of spacing 2^-23."""
  return jax.lax.bitcast_convert_type(
    (bits >> jnp.uint32(9)) | jnp.uint32(0x3F800000), jnp.float32
  )
