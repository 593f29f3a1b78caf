"""Tests bfloat16 products by inspecting programs and against NumPy."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import toys
from jax.extend import core

from moegan_jax import systems
from moegan_jax.errors import UserError
from moegan_jax.ops.precision import bfloat16_products, full_precision
from moegan_jax.train import loop

RNG = np.random.default_rng(0)
X, W = (RNG.standard_normal(s).astype(np.float32) for s in ((5, 300), (300, 7)))


def products(jaxpr):
  """Yields all products of a program, including those in loops and branches."""
  for eqn in jaxpr.eqns:
    if eqn.primitive.name == 'dot_general':
      yield eqn
    for leaf in jax.tree.leaves(
      eqn.params, is_leaf=lambda x: isinstance(x, core.Jaxpr | core.ClosedJaxpr)
    ):
      if isinstance(leaf, core.ClosedJaxpr):
        leaf = leaf.jaxpr
      if isinstance(leaf, core.Jaxpr):
        yield from products(leaf)


def factors(function, *args):
  """Returns the dtypes of the factors of each product, in order.

  A rounded product has one branch for CPUs and one for other platforms. The
  branches for CPUs are left out.
  """
  jaxpr = jax.make_jaxpr(function)(*args).jaxpr
  found = [{str(x.aval.dtype) for x in eqn.invars} for eqn in products(jaxpr)]
  rounded = str(jaxpr).count('reduce_precision') // 2
  assert found.count({'bfloat16'}) == rounded
  for _ in range(rounded):  # branches for CPUs
    found.remove({'float32'})
  return found


def test_products_round_both_factors():
  x, w = (a.astype(ml_dtypes.bfloat16).astype(np.float64) for a in (X, W))
  made = jax.jit(bfloat16_products(jnp.dot))(X, W)
  assert made.dtype == jnp.float32
  np.testing.assert_allclose(made, x @ w, rtol=1e-5, atol=1e-4)
  # The product of unrounded factors differs.
  assert np.abs(made - X.astype(np.float64) @ W).max() > 1e-2


def test_explicit_precision_is_kept():
  def both(x, w):
    return jnp.dot(x, w), jnp.dot(x, w, precision='highest')

  made = factors(bfloat16_products(both), X, W)
  assert made == [{'bfloat16'}, {'float32'}]
  np.testing.assert_array_equal(
    jax.jit(bfloat16_products(both))(X, W)[1], jax.jit(both)(X, W)[1]
  )


def test_products_of_other_dtypes_are_unchanged():
  def both(x):
    return jnp.dot(x, x), jnp.dot(x.astype(jnp.bfloat16), x)

  x = jnp.ones((3, 3), jnp.int32)
  assert factors(bfloat16_products(both), x) == factors(both, x)


def test_full_precision_inside_bfloat16():
  rounded = bfloat16_products(full_precision(jnp.dot))
  np.testing.assert_array_equal(
    jax.jit(rounded)(X, W), jax.jit(full_precision(jnp.dot))(X, W)
  )


@jax.custom_vjp
def own(x, w):
  return x @ w


own.defvjp(
  lambda x, w: (own(x, w), (x, w)),
  lambda kept, g: (g @ kept[1].T, kept[0].T @ g),
)

INSIDE = {
  'scan': lambda x, w: jax.lax.scan(
    lambda h, _: (jnp.tanh(h @ w), None), x, None, 3
  )[0],
  'while': lambda x, w: jax.lax.fori_loop(
    0, jnp.int32(3), lambda _, h: jnp.tanh(h @ w), x
  ),
  'cond': lambda x, w: jax.lax.cond(
    x.sum() > 0, lambda: x @ w, lambda: x @ w.T
  ),
  'remat': lambda x, w: jax.checkpoint(lambda h: jnp.sin(h @ w))(x),
  'custom gradient': lambda x, w: own(x, w),
  'map': lambda x, w: jax.vmap(lambda h: h @ w)(x),
  'jit': lambda x, w: jax.jit(jnp.matmul)(x, w),
}


@pytest.mark.parametrize('inside', INSIDE)
def test_nested_products_and_their_gradients(inside):
  function = INSIDE[inside]
  x, w = X[:, :4], W[:4, :4]

  def graded(x, w):
    return jax.grad(lambda w: function(x, w).sum())(w)

  for made in (function, graded):
    if inside == 'while' and made is graded:
      continue  # a loop of unknown length has no gradient
    rounded = bfloat16_products(made)
    assert {'float32'} in factors(made, x, w)
    assert all(kinds == {'bfloat16'} for kinds in factors(rounded, x, w))
    np.testing.assert_allclose(
      jax.jit(rounded)(x, w), jax.jit(made)(x, w), rtol=0.05, atol=0.05
    )


def settings(precision):
  c = toys.settings('moegan', generator__cell='lstm', generator__experts=1)
  c.precision = precision
  c.generator.update(embed=8, hidden=8)
  c.discriminator.update(embed=8, widths=(2,), filters=8, features=8)
  c.mle.update(epochs=2, batch=8)
  c.adversarial.update(steps=5, batch=8, d_steps=1)
  return c


def trained(precision, corpus):
  """Returns the mean losses of all phases, and the final state."""
  spec = systems.Spec(11, corpus.shape[1], len(corpus))
  system = systems.build(settings(precision), spec)
  state = loop.init_seeds(system.init, 0, 1)
  reports = {}
  for name, phase in system.phases.items():
    state = loop.enter(phase, state)
    chunk = loop.compile_chunk(phase, int(state.step), state, corpus)
    state, report = chunk.call(state, jnp.int32(phase.steps), corpus)
    means = loop.means(report, phase.steps)
    reports |= {f'{name} {k}': v.item() for k, v in means.items()}
  return reports, state


@pytest.mark.slow
def test_drift_of_training(quick_compilation):
  """Losses stay within 0.02 and parameters close, but they are not equal."""
  corpus = jnp.asarray(RNG.integers(1, 11, (40, 6)), jnp.int32)
  exact, state = trained('platform', corpus)
  rounded, other = trained('bfloat16', corpus)
  for name, value in exact.items():
    assert rounded[name] == pytest.approx(value, rel=0.02, abs=0.02), name
  differences = [
    np.abs(a - b).max()
    for a, b in zip(
      jax.tree.leaves(state.players['generator'].params),
      jax.tree.leaves(other.players['generator'].params),
      strict=True,
    )
  ]
  assert 0 < max(differences) < 0.1
  assert {x.dtype for x in jax.tree.leaves(other.players)} == {
    x.dtype for x in jax.tree.leaves(state.players)
  }


def test_rejects_unknown_precision():
  with pytest.raises(UserError, match='precision'):
    systems.build(settings('float8'), systems.Spec(11, 6, 40))
