"""Gradients of values that are known already."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.ops.gradients import with_value

W = jnp.asarray(np.random.RandomState(0).randn(3, 4), jnp.float32)
X = jnp.asarray(np.random.RandomState(1).randn(5, 3), jnp.float32)


def product(w, x):
  return jnp.tanh(x @ w)


@pytest.mark.parametrize('shift', [0.0, 2.0])
def test_value_is_kept_and_the_gradient_is_that_of_the_function(shift):
  """A constant beside the function, such as noise, changes no gradient."""

  def known(w, x):
    value = jax.lax.stop_gradient(product(w, x)) + shift
    return (with_value(product, value, w, x) ** 2).sum()

  def direct(w, x):
    return ((product(w, x) + shift) ** 2).sum()

  got = jax.jit(jax.value_and_grad(known, (0, 1)))(W, X)
  want = jax.value_and_grad(direct, (0, 1))(W, X)
  chex.assert_trees_all_close(got, want, rtol=1e-5)


def test_no_gradient_flows_to_the_value():
  gradient = jax.grad(lambda v: with_value(product, v, W, X).sum())(X @ W)
  np.testing.assert_array_equal(gradient, 0)


def test_gradients_of_a_batch_of_parameters():
  weights = jnp.stack([W, 2 * W])

  def loss(w):
    return with_value(product, jnp.zeros((5, 4)), w, X).sum()

  got = jax.vmap(jax.grad(loss))(weights)
  want = [jax.grad(lambda w: product(w, X).sum())(w) for w in weights]
  np.testing.assert_allclose(got, jnp.stack(want), rtol=1e-5)
