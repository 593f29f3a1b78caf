"""The rows that come with each batch of a pool."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.systems.pools import pool_update
from moegan_jax.types import Batch, Update

pytestmark = pytest.mark.usefixtures('no_key_checks')
T, B, NEGATIVES, PASSES = 2, 4, 6, 3
STEPS = PASSES * (2 * NEGATIVES // B)
R, S = 5, 6


def played(beside):
  """Returns all rows that an update of D reads beside its batches."""

  def apply(state, batches, key):
    i, seen = state
    own = batches.beside
    logits = {'d_logits': jnp.zeros(B)}
    if own is None:
      assert beside is None
      return (i + 1, seen), logits
    rows = jnp.concatenate([own[0][0], own[1][0]])
    return (i + 1, seen.at[i].set(rows)), logits

  def sample(state, rows):
    """Returns different rows of negative numbers."""
    del state
    return -1 - (rows >> jnp.uint32(3)).astype(jnp.int32)

  update = pool_update(
    Update(1, apply),
    sample,
    batch=B,
    negatives=NEGATIVES,
    passes=PASSES,
    beside=beside,
  )
  real = jnp.arange(2 * B * T, dtype=jnp.int32).reshape(2, B, T)
  start = (jnp.int32(0), jnp.zeros((STEPS, R + S, T), jnp.int32))
  (steps, seen), _ = update.apply(start, Batch(real), jax.random.key(0))
  assert steps == STEPS
  return np.asarray(seen), real.reshape(-1, T)[:NEGATIVES]


def as_set(rows):
  return {tuple(row) for row in np.asarray(rows).tolist()}


def test_rows_beside_a_batch_are_different_rows_of_each_half():
  seen, real = played((R, S))
  halves = seen[:, :R], seen[:, R:]
  fakes = as_set(halves[1].reshape(-1, T))
  assert len(fakes) == NEGATIVES and max(max(row) for row in fakes) < 0
  for own in halves[0]:
    assert len(as_set(own)) == R and as_set(own) <= as_set(real)
  for own in halves[1]:
    assert as_set(own) == fakes
  assert as_set(halves[0].reshape(-1, T)) == as_set(real)
  assert len({own.tobytes() for own in seen}) == STEPS


def test_batches_come_alone_by_default():
  seen, _ = played(None)
  assert not seen.any()
