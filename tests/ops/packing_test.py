"""Packing of parameters: round trip, one gradient for all vectors."""

import jax
import jax.numpy as jnp
import numpy as np
from trees import assert_identical

from moegan_jax.ops.packing import pack

RNG = np.random.RandomState(0)


def params():
  def of(*shape):
    return jnp.asarray(RNG.randn(*shape), jnp.float32)

  return {
    'embed': of(5, 3),
    'core': {
      'map': {'kernel': of(2, 3, 4), 'bias': of(2, 4)},
      'norm': {'scale': of(2, 4), 'bias': of(2, 4)},
      'forget_bias': of(),
    },
  }


def test_unpack_restores_the_parameters():
  whole = params()
  packed, unpack = pack(whole)
  assert_identical(unpack(packed), whole)
  assert packed[0].shape == (2 * 4 * 3 + 1,)
  assert [x.shape for x in jax.tree.leaves(packed[1])] == [(2, 3, 4), (5, 3)]


def test_parameters_without_vectors():
  whole = {'embed': params()['embed'], 'map': {'kernel': jnp.ones((2, 2))}}
  packed, unpack = pack(whole)
  assert packed[0].shape == (0,)
  assert_identical(unpack(packed), whole)


def test_gradient_of_a_scan_adds_up_one_array_for_all_vectors():
  whole = params()
  packed, unpack = pack(whole)

  @jax.checkpoint
  def step(packed, x):
    core = unpack(packed)['core']
    rows = x * core['norm']['scale'] + core['norm']['bias']
    return (rows * core['forget_bias']).sum()

  def loss(packed):
    def body(total, x):
      return total + step(packed, x), None

    return jax.lax.scan(body, jnp.float32(0), jnp.arange(3.0))[0]

  scans = [
    e
    for e in jax.make_jaxpr(jax.grad(loss))(packed).jaxpr.eqns
    if e.primitive.name == 'scan'
  ]
  sums = [x.shape for x in scans[-1].params['jaxpr'].out_avals]
  assert packed[0].shape in sums
  assert whole['core']['norm']['bias'].shape not in sums
