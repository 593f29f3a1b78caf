"""Random numbers that belong to a row, whatever the size of the batch.

Row i of a sample depends on the run's key and on i only, so that any batch
size gives the same text. The generator is Threefry-2x32 in counter mode, the
one behind JAX's default keys, with its rounds unrolled: the CPU backend rolls
them into a loop, which is several times slower for the same bits.
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp

from moegan_jax.ops import devices

Array = jax.Array

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry2x32(k0, k1, x0, x1) -> tuple[Array, Array]:
  """Threefry-2x32 with 20 rounds (Salmon et al. 2011), elementwise.

  Args:
    k0, k1: uint32, the two words of the key
    x0, x1: uint32, the two words of the counter; all four broadcast

  Returns:
    two uint32 arrays, equal to those of `jax.extend.random.threefry_2x32`.
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
  """Key words of rows `first .. first + n - 1`: uint32 [n, 2]."""
  rows = jnp.asarray(first, jnp.int32) + jnp.arange(n, dtype=jnp.int32)
  keys = jax.vmap(jax.random.fold_in, (None, 0))(key, rows)
  data = jax.random.key_data(keys)
  chex.assert_shape(data, (n, 2))
  # A sample begins with its keys: so it is split over devices as they are.
  return devices.split(data)


def row_gumbel(rows: Array, t: Array | int, width: int) -> Array:
  """Standard Gumbel noise of the rows at step t, float32 [..., width].

  Args:
    rows: uint32 [..., 2], see `row_keys`
    t: the step, a scalar, or steps that broadcast against [...]
    width: how many numbers a row needs

  g = -log(-log u) with u uniform on a grid of 2^-23, as `jax.random.gumbel`.
  A block of Threefry yields two words, one for each half of the row.
  """
  # The smallest normal number in place of 0, whose logarithm is infinite.
  u = jnp.maximum(
    _one_to_two(_row_bits(rows, t, width)) - 1.0, jnp.finfo(jnp.float32).tiny
  )
  return -jnp.log(-jnp.log(u))


def row_normal(rows: Array, width: int) -> Array:
  """Standard normal numbers of the rows, float32 [..., width].

  For what a row has once and not at every step, such as a latent vector. They
  come from a step that `row_gumbel` never reaches, 2^32 - 1.

  Args:
    rows: uint32 [..., 2], see `row_keys`
    width: how many numbers a row needs

  z = sqrt(2) erfinv(u), with u uniform on a grid of 2^-22 in (-1, 1): |z| is
  at most 5.2.
  """
  return _normal(_row_bits(rows, jnp.uint32(2**32 - 1), width))


def dropout(x: Array, key: Array, rate: float) -> Array:
  """x with a share of its numbers set to 0 and the rest scaled up.

  For large arrays: a word of Threefry a number, in place of the two of
  `jax.random.bernoulli`, which on a CPU takes about ten times as long.

  Args:
    x: float [...]
    key: typed, for nothing else
    rate: share of dropped numbers, in [0, 1)
  """
  if not rate:
    return x
  words = jax.random.key_data(key)
  half = -(-x.size // 2)
  # A first word that no fold_in or split of this key comes to.
  block = partial(threefry2x32, words[0], words[1], jnp.uint32(2**32 - 1))
  if devices.parts() == 1:
    bits = jnp.concatenate(block(jax.lax.iota(jnp.uint32, half)))
    bits = bits[: x.size].reshape(x.shape)
  else:
    # The same bits, each where its number lies: twice the work, but to spread
    # the halves of one long row over devices would be communication.
    index = _flat_index(x.shape)
    first, second = block(jnp.where(index < half, index, index - half))
    bits = jnp.where(index < half, first, second)
  kept = bits >= jnp.uint32(rate * 2**32)
  return jnp.where(kept, x / (1 - rate), 0)


def _flat_index(shape: tuple[int, ...]) -> Array:
  """The place of each number in the flattened array, uint32 [*shape]."""
  index = jnp.zeros(shape, jnp.uint32)
  for axis, size in enumerate(shape):
    index = index * jnp.uint32(size) + jax.lax.broadcasted_iota(
      jnp.uint32, shape, axis
    )
  return index


def _normal(bits: Array) -> Array:
  """Random bits as standard normal numbers, all of them finite."""
  # A clip, as a compiler that reorders sums may bring an offset to nothing.
  limit = 1.0 - 2.0**-22
  u = jnp.clip(2.0 * (_one_to_two(bits) - 1.0) - 1.0, -limit, limit)
  return 2**0.5 * jax.lax.erf_inv(u)


def _row_bits(rows: Array, t: Array | int, width: int) -> Array:
  """uint32 [..., width], see `row_gumbel`."""
  half = -(-width // 2)
  step = jnp.asarray(t).astype(jnp.uint32)
  step = step[..., None] if step.ndim else step
  counter = jnp.arange(half, dtype=jnp.uint32)
  counter = counter.reshape(*[1] * (rows.ndim - 1), half)
  first, second = threefry2x32(rows[..., :1], rows[..., 1:], step, counter)
  return jnp.concatenate([first, second], axis=-1)[..., :width]


def _one_to_two(bits: Array) -> Array:
  """Random bits as float32 in [1, 2), on a grid of 2^-23."""
  return jax.lax.bitcast_convert_type(
    (bits >> jnp.uint32(9)) | jnp.uint32(0x3F800000), jnp.float32
  )
