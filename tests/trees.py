"""Helpers that compare pytrees, checkpoints and records of runs."""

import json

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.store.checkpoint import Store


def array(leaf):
  """Returns a leaf as a NumPy array; a random key becomes its data."""
  if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
    leaf = jax.random.key_data(leaf)
  return np.asarray(leaf)


def arrays(tree):
  """Returns path -> array of a pytree."""
  leaves = jax.tree_util.tree_leaves_with_path(tree)
  return {jax.tree_util.keystr(path): array(leaf) for path, leaf in leaves}


def assert_identical(one, two):
  """Asserts that two pytrees have the same paths, types and bits."""
  one, two = arrays(one), arrays(two)
  assert one.keys() == two.keys()
  for path, x in one.items():
    y = two[path]
    assert (x.shape, x.dtype) == (y.shape, y.dtype), path
    assert x.tobytes() == y.tobytes(), path


def assert_negated(one, two):
  """Asserts that a gradient is minus another one, bit by bit, and not zero."""
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
    np.testing.assert_array_equal(a, -b)
    assert a.any()


def noisy(players, seed=1):
  """Returns players with parameters far from zero."""
  rng = np.random.RandomState(seed)
  return {
    name: player.replace(
      params=jax.tree.map(
        lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype),
        player.params,
      )
    )
    for name, player in players.items()
  }


def checkpoint(workdir, kind='last', step=None):
  """Returns path -> array of a checkpoint (default: the newest), and itself."""
  saved = Store(workdir / 'checkpoints').restore(kind, step=step)
  return arrays(saved.tree), saved


def assert_same_checkpoint(one, two, kind='last'):
  """Asserts that the newest checkpoints of two runs are identical."""
  (a, first), (b, second) = checkpoint(one, kind), checkpoint(two, kind)
  assert first.step == second.step
  assert_identical(a, b)


def records(workdir):
  """Returns the records of metrics.jsonl."""
  text = (workdir / 'metrics.jsonl').read_text(encoding='utf-8')
  return [json.loads(line) for line in text.splitlines()]


def timeless_records(workdir):
  """Returns the records of metrics.jsonl without the time of day."""
  return [
    {key: value for key, value in record.items() if key != 'time'}
    for record in records(workdir)
  ]
