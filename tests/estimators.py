"""Asserts that a random gradient has the expectation that was enumerated."""

import jax
import numpy as np


def assert_unbiased(gradient, exact, keys=4000, least=20):
  """Compares the mean over keys with the exact gradient, within 4 errors.

  Args:
    gradient: key -> pytree
    exact: pytree of the same structure
    keys: number of keys
    least: the largest ratio of a gradient to its standard error must be at
      least this; a noisy estimator would agree with anything

  Returns:
    The largest deviation in standard errors.
  """
  found = jax.jit(jax.vmap(gradient))(jax.random.split(jax.random.key(5), keys))
  certain, farthest = 0.0, 0.0
  for values, want in zip(
    jax.tree.leaves(found), jax.tree.leaves(exact), strict=True
  ):
    error = values.std(0) / np.sqrt(keys)
    deviation = abs(values.mean(0) - want)
    assert (deviation <= 4 * error + 1e-6).all()
    certain = max(certain, float((abs(want) / (error + 1e-6)).max()))
    farthest = max(farthest, float((deviation / (error + 1e-6)).max()))
  assert certain > least, 'the errors are too large for a comparison'
  return farthest
