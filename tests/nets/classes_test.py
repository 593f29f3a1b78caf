"""Generators of each class, and the classes that rows draw."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import decode
from moegan_jax.nets import cells, classes, gated
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import recurrent
from moegan_jax.ops import random

pytestmark = pytest.mark.usefixtures('quick_compilation')
V, T, K = 3, 3, 2
SHARES = (0.4, 0.6)
INIT = initializers('seqgan')
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
LABELS = np.arange(len(ALL)) % K
CORES = {
  'lstm': gated.lstm(width=4, init=INIT),
  'memory': cells.relational_memory(slots=2, head_size=2, init=INIT),
}


def made(core):
  """Returns the expert of a class, all experts and their parameters."""
  expert = recurrent(CORES[core], vocab_size=V, embed_dim=3, init=INIT)
  whole = classes.per_class(expert, SHARES)
  rng = np.random.RandomState(1)
  params = jax.tree.map(
    lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype),
    jax.eval_shape(whole.init, jax.random.key(0)),
  )
  return expert, whole, params


def test_classes_are_drawn_from_their_shares_by_row():
  rows = random.row_keys(jax.random.key(0), 5000)
  drawn = classes.draw(rows, (0.2, 0.5, 0.3))
  assert (drawn.sum(1) == 1).all()
  np.testing.assert_allclose(drawn.mean(0), [0.2, 0.5, 0.3], atol=0.03)
  np.testing.assert_array_equal(
    drawn[9:12], classes.draw(rows[9:12], (0.2, 0.5, 0.3))
  )


@pytest.mark.parametrize('core', CORES)
def test_each_class_has_a_generator_of_its_own(core):
  expert, whole, params = made(core)
  rows = random.row_keys(jax.random.key(1), len(ALL))
  context = whole.context(LABELS)

  @jax.jit
  def both(params):
    def of(gen, params, **given):
      tokens = decode.sample(gen, params, rows, length=T, **given).tokens
      return decode.teacher_force(gen, params, ALL, **given), tokens

    alone = [
      of(expert, jax.tree.map(lambda x, k=k: x[k], params)) for k in range(K)
    ]
    return of(whole, params, context=context), alone

  (logits, tokens), alone = both(params)
  for k in range(K):
    own = k == LABELS
    np.testing.assert_allclose(
      logits[own], alone[k][0][own], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(tokens[own], alone[k][1][own])
  assert abs(alone[0][0] - alone[1][0]).max() > 0.1


def test_text_of_a_class_trains_its_own_generator_only():
  _, whole, params = made('lstm')

  @jax.jit
  def gradient(labels):
    def loss(params):
      context = whole.context(labels)
      logits = decode.teacher_force(whole, params, ALL, context=context)
      return jnp.sum(jax.nn.log_softmax(logits)[..., 0])

    return jax.tree.leaves(jax.grad(loss)(params))

  for leaf in gradient(np.zeros(len(ALL), np.int32)):
    assert leaf[0].any() and not leaf[1].any()
  for leaf in gradient(LABELS):
    assert leaf[0].any() and leaf[1].any()
