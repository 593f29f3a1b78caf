"""Tests the ring buffer against a list."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.ops import ring

N, T = 5, 2


def rows(first, m):
  """Returns m different rows that count from `first`."""
  return jnp.arange(first * T, (first + m) * T, dtype=jnp.int32).reshape(m, T)


def filled(*sizes):
  """Returns a buffer after batches of these sizes, and all rows written."""
  buffer, written = ring.create(N, T), 0
  for m in sizes:
    buffer = jax.jit(ring.put)(buffer, rows(written, m))
    written += m
  return buffer, np.asarray(rows(0, written))


def as_set(x):
  return {tuple(row) for row in np.asarray(x).tolist()}


@pytest.mark.parametrize(
  'sizes', [(), (1,), (3,), (5,), (3, 3), (2, 2, 2, 2, 2, 2), (4, 5, 1), (7,)]
)
def test_buffer_holds_the_newest_rows(sizes):
  buffer, written = filled(*sizes)
  expected = np.zeros((N, T), np.int32)
  for i, row in enumerate(written):
    expected[i % N] = row
  np.testing.assert_array_equal(buffer.rows, expected)
  assert int(buffer.next) == len(written) % N
  assert int(buffer.count) == min(len(written), N)


def test_batch_larger_than_the_buffer_continues_at_the_next_index():
  one, _ = filled(2, 12)
  other, _ = filled(*[1] * 14)
  jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize('sizes', [(1,), (3,), (5,), (4, 4)])
def test_draw_gives_each_written_row_equally_often(sizes):
  buffer, written = filled(*sizes)
  m = 4000
  drawn = np.asarray(ring.draw(buffer, jax.random.key(0), m))
  assert drawn.shape == (m, T) and drawn.dtype == np.int32
  kept = written[-N:]
  assert as_set(drawn) == as_set(kept)
  p = 1 / len(kept)
  for row in kept:
    share = (drawn == row).all(1).mean()
    assert abs(share - p) <= 4 * np.sqrt(p * (1 - p) / m)


def test_draws_of_two_keys_differ():
  buffer, _ = filled(5)
  one = ring.draw(buffer, jax.random.key(0), 20)
  assert (one != ring.draw(buffer, jax.random.key(1), 20)).any()


def test_seeds_in_parallel_equal_separate_buffers():
  counts = [1, 4]  # different numbers of written rows
  separate = [filled(m)[0] for m in counts]
  both = jax.tree.map(lambda *x: jnp.stack(x), *separate)
  batches = jnp.stack([rows(50, 3), rows(70, 3)])
  after = jax.jit(jax.vmap(ring.put))(both, batches)
  draw = jax.vmap(lambda b, seed: ring.draw(b, jax.random.key(seed), 9))
  drawn = jax.jit(draw)(after, jnp.arange(2))
  for i, buffer in enumerate(separate):
    want = ring.put(buffer, batches[i])
    own = jax.tree.map(lambda x, i=i: x[i], after)
    jax.tree.map(np.testing.assert_array_equal, own, want)
    np.testing.assert_array_equal(
      drawn[i], ring.draw(want, jax.random.key(i), 9)
    )


def test_types_do_not_change():
  """A compiled loop carries the buffer."""
  before = ring.create(N, T)

  def body(buffer, i):
    return ring.put(buffer, rows(0, 3) + i), None

  after, _ = jax.lax.scan(body, before, jnp.arange(4))
  pairs = zip(jax.tree.leaves(after), jax.tree.leaves(before), strict=True)
  for a, b in pairs:
    assert (a.shape, a.dtype, a.weak_type) == (b.shape, b.dtype, b.weak_type)
