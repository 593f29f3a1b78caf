"""Tests row noise against JAX's Threefry, and the independence of rows."""

from unittest import mock

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from jax.extend.random import threefry_2x32
from scipy.special import ndtri

from moegan_jax.ops import random

# Compiled noise, for the tests that do not cover compilation.
NOISE = jax.jit(random.row_gumbel, static_argnums=2)
NORMAL = jax.jit(random.row_normal, static_argnums=1)


def reference_bits(row, t, width):
  """Returns the bits of one row by JAX's Threefry: first words, then second."""
  half = (width + 1) // 2
  counter = np.concatenate([np.full(half, t), np.arange(half)])
  return np.asarray(
    threefry_2x32(jnp.asarray(row), jnp.asarray(counter, jnp.uint32))
  )[:width]


def reference_gumbel(bits):
  """Computes Gumbel noise in double precision from the 23 upper bits."""
  u = np.maximum((bits >> 9) / 2.0**23, np.finfo(np.float32).tiny)
  return -np.log(-np.log(u))


class RandomTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_threefry_bit_for_bit(self):
    words = np.random.RandomState(0).randint(
      0, 2**32, size=(6, 10), dtype=np.uint32
    )
    words[0] = 0
    words[1] = 2**32 - 1
    got = self.variant(random.threefry2x32)(*words[:, 0:2].T, *words[:, 2:4].T)
    for i, (k0, k1, x0, x1) in enumerate(words[:, :4]):
      want = threefry_2x32(jnp.array([k0, k1]), jnp.array([x0, x1]))
      np.testing.assert_array_equal([got[0][i], got[1][i]], want)

  @chex.variants(with_jit=True, without_jit=True)
  def test_threefry_broadcasts(self):
    keys = jnp.arange(3, dtype=jnp.uint32)[:, None]
    counter = jnp.arange(4, dtype=jnp.uint32)[None]
    got = self.variant(random.threefry2x32)(keys, keys + 1, counter, counter)
    chex.assert_shape(got, (3, 4))
    for i in range(3):
      count = jnp.concatenate([counter[0], counter[0]])
      want = threefry_2x32(jnp.array([i, i + 1], jnp.uint32), count)
      np.testing.assert_array_equal(np.concatenate([x[i] for x in got]), want)

  @parameterized.parameters(0, 5)
  def test_row_keys_match_fold_in(self, first):
    key = jax.random.key(3)
    got = random.row_keys(key, 4, first)
    want = [
      jax.random.key_data(jax.random.fold_in(key, first + i)) for i in range(4)
    ]
    np.testing.assert_array_equal(got, want)
    self.assertEqual(got.dtype, jnp.uint32)

  @parameterized.parameters(1, 2, 7, 8)
  def test_gumbel_matches_reference_bits(self, width):
    rows = random.row_keys(jax.random.key(1), 4)
    for t in (0, 3):
      got = NOISE(rows, t, width)
      want = [reference_gumbel(reference_bits(r, t, width)) for r in rows]
      np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
      self.assertEqual(got.dtype, jnp.float32)

  def test_uniform_matches_reference_bits(self):
    rows = random.row_keys(jax.random.key(1), 5)
    for t in (0, 3):
      got = jax.jit(random.row_uniform)(rows, t)
      bits = np.array([reference_bits(r, t, 1)[0] for r in rows], np.uint32)
      np.testing.assert_array_equal(got, (bits >> 9) / 2.0**23)
    whole = random.row_uniform(rows[:, None], jnp.arange(4)[None])
    np.testing.assert_array_equal(whole[:, 3], got)

  @parameterized.parameters((4,), (1, 1, 1, 1), (3, 1), (1, 2, 1))
  def test_independent_of_batch_size(self, *sizes):
    key = jax.random.key(2)
    parts, first = [], 0
    for n in sizes:
      parts.append(NOISE(random.row_keys(key, n, first), 3, 7))
      first += n
    want = NOISE(random.row_keys(key, 4), 3, 7)
    np.testing.assert_array_equal(np.concatenate(parts), want)

  def test_all_steps_at_once(self):
    rows = random.row_keys(jax.random.key(1), 4)
    got = NOISE(rows[:, None], jnp.arange(5)[None], 7)
    chex.assert_shape(got, (4, 5, 7))
    for t in range(5):
      np.testing.assert_array_equal(got[:, t], NOISE(rows, t, 7))

  def test_independent_of_other_rows(self):
    rows = random.row_keys(jax.random.key(2), 4)
    order = np.array([2, 0, 3, 1])
    np.testing.assert_array_equal(
      NOISE(rows[order], 1, 7), NOISE(rows, 1, 7)[order]
    )

  def test_depends_on_key_row_and_step(self):
    draws = [
      np.asarray(NOISE(random.row_keys(key, 2), t, 7))
      for key in jax.random.split(jax.random.key(0), 2)
      for t in (0, 1)
    ]
    numbers = np.concatenate(draws).ravel()
    self.assertEqual(len(np.unique(numbers)), 2 * 2 * 2 * 7)

  def test_distribution(self):
    rows = random.row_keys(jax.random.key(0), 400)
    g = np.asarray(NOISE(rows, 0, 501), np.float64)
    self.assertTrue(np.isfinite(g).all())
    # 200,400 numbers: standard errors of .0029 and about .008.
    np.testing.assert_allclose(g.mean(), np.euler_gamma, atol=0.012)
    np.testing.assert_allclose(g.var(), np.pi**2 / 6, atol=0.03)
    for p in (0.01, 0.1, 0.5, 0.9, 0.99):
      share = np.mean(g < -np.log(-np.log(p)))
      np.testing.assert_allclose(share, p, atol=5e-3)

  def test_no_correlations(self):
    rows = random.row_keys(jax.random.key(0), 2000)
    g = np.concatenate([NOISE(rows, t, 6) for t in (0, 1)], axis=1)
    # Correlations between entries and steps of a row, and of adjacent rows.
    between = np.corrcoef(np.concatenate([g[:-1], g[1:]], axis=1).T)
    self.assertLess(np.abs(between - np.eye(24)).max(), 0.12)

  def test_finite_at_both_ends(self):
    """Without clipping, all-zero and all-one bits would give log 0."""
    ends = jnp.array([[0, 2**32 - 1]], jnp.uint32)
    with mock.patch.object(
      random, 'threefry2x32', lambda *_: (ends, ends[:, ::-1])
    ):
      got = random.row_gumbel(jnp.zeros((1, 2), jnp.uint32), 0, 4)
    low, high = -np.log(126 * np.log(2)), 23 * np.log(2)
    np.testing.assert_allclose(got, [[low, high, high, low]], rtol=1e-5)


class NormalTest(chex.TestCase):
  @parameterized.parameters(1, 2, 7, 8)
  def test_normal_matches_reference_bits(self, width):
    rows = random.row_keys(jax.random.key(1), 4)
    got = NORMAL(rows, width)
    bits = np.array([reference_bits(r, 2**32 - 1, width) for r in rows])
    want = ndtri(((bits >> 9) + 0.5) / 2.0**23)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    self.assertEqual(got.dtype, jnp.float32)

  @parameterized.parameters((4,), (1, 1, 1, 1), (3, 1), (1, 2, 1))
  def test_independent_of_batch_size(self, *sizes):
    key = jax.random.key(2)
    parts, first = [], 0
    for n in sizes:
      parts.append(NORMAL(random.row_keys(key, n, first), 7))
      first += n
    want = NORMAL(random.row_keys(key, 4), 7)
    np.testing.assert_array_equal(np.concatenate(parts), want)

  def test_shapes_and_vmap(self):
    rows = random.row_keys(jax.random.key(1), 6)
    want = NORMAL(rows, 5)
    chex.assert_shape(want, (6, 5))
    np.testing.assert_array_equal(
      NORMAL(rows.reshape(2, 3, 2), 5), want.reshape(2, 3, 5)
    )
    np.testing.assert_array_equal(
      jax.jit(jax.vmap(lambda row: random.row_normal(row, 5)))(rows), want
    )

  def test_depends_on_key_and_row(self):
    draws = [
      np.asarray(NORMAL(random.row_keys(key, 2), 7))
      for key in jax.random.split(jax.random.key(0), 2)
    ]
    self.assertEqual(len(np.unique(draws)), 2 * 2 * 7)

  def test_independent_of_gumbel_noise(self):
    """Shared bits would make one a monotone map of the other."""
    rows = random.row_keys(jax.random.key(0), 3000)
    z = np.asarray(NORMAL(rows, 2))
    for t in (0, 1, 20):
      g = np.asarray(NOISE(rows, t, 2))
      self.assertFalse(
        np.array_equal(np.argsort(z[0]), np.argsort(g[0]))
        and np.array_equal(np.argsort(z, 0), np.argsort(g, 0))
      )
      between = np.corrcoef(np.concatenate([z, g], axis=1).T)[:2, 2:]
      self.assertLess(np.abs(between).max(), 0.1)

  def test_distribution(self):
    rows = random.row_keys(jax.random.key(0), 400)
    z = np.asarray(NORMAL(rows, 501), np.float64)
    self.assertTrue(np.isfinite(z).all())
    # 200,400 numbers: standard errors of .0022, .0032, .0055 and .011.
    for power, moment, error in ((1, 0, 2e-3), (2, 1, 3e-3), (3, 0, 9e-3)):
      np.testing.assert_allclose((z**power).mean(), moment, atol=4 * error)
    np.testing.assert_allclose((z**4).mean(), 3, atol=0.09)
    for p in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999):
      np.testing.assert_allclose(np.mean(z < ndtri(p)), p, atol=5e-3)

  def test_no_correlations(self):
    rows = random.row_keys(jax.random.key(0), 2000)
    z = np.asarray(NORMAL(rows, 6))
    # Correlations between entries of a row, and of adjacent rows.
    between = np.corrcoef(np.concatenate([z[:-1], z[1:]], axis=1).T)
    self.assertLess(np.abs(between - np.eye(12)).max(), 0.12)

  def test_finite_and_symmetric_at_both_ends(self):
    ends = jnp.array([[0, 2**32 - 1]], jnp.uint32)
    with mock.patch.object(
      random, 'threefry2x32', lambda *_: (ends, ends[:, ::-1])
    ):
      got = random.row_normal(jnp.zeros((1, 2), jnp.uint32), 4)
    top = -ndtri(2.0**-23)
    np.testing.assert_allclose(got, [[-top, top, top, -top]], rtol=1e-5)


def test_normal_is_finite_at_both_ends():
  """Also when compiled; one row in 2^23 has the first or the last bits."""
  bits = jnp.array([0, 1 << 9, 1 << 31, (1 << 32) - 1], jnp.uint32)
  for function in (random._normal, jax.jit(random._normal)):
    low, next_low, middle, high = np.asarray(function(bits))
    assert -5.3 < low <= next_low < -4.9 and 4.9 < high < 5.3
    np.testing.assert_allclose(middle, 0, atol=1e-6)


class DropoutTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_dropout_matches_threefry_bits(self):
    x = jnp.arange(1.0, 16.0).reshape(3, 5)
    key = jax.random.key(4)
    got = self.variant(lambda x, key: random.dropout(x, key, 0.3))(x, key)
    counter = np.concatenate([np.full(8, 2**32 - 1), np.arange(8)])
    bits = threefry_2x32(
      jax.random.key_data(key), jnp.asarray(counter, jnp.uint32)
    )
    kept = np.asarray(bits[:15]).reshape(3, 5) / 2.0**32 >= 0.3
    np.testing.assert_allclose(got, np.where(kept, x / 0.7, 0), rtol=1e-6)
    self.assertTrue(kept.any() and not kept.all())

  def test_dropped_share_and_mean(self):
    x = jnp.ones((300, 301))
    dropped = random.dropout(x, jax.random.key(0), 0.25)
    # The tolerance is four standard errors of 90,300 draws.
    np.testing.assert_allclose((dropped == 0).mean(), 0.25, atol=0.006)
    np.testing.assert_allclose(dropped.mean(), 1, atol=0.008)
    chex.assert_trees_all_equal(random.dropout(x, jax.random.key(0), 0.0), x)

  def test_vmap_over_keys(self):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jnp.ones((4, 50))
    many = jax.vmap(lambda key: random.dropout(x, key, 0.5))(keys)
    for key, one in zip(keys, many):
      chex.assert_trees_all_equal(one, random.dropout(x, key, 0.5))
    self.assertFalse((many[0] == many[1]).all())
