"""Tests the scan over inputs against a Python loop."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from moegan_jax.ops import recurrence

RNG = np.random.RandomState(0)
INPUTS = {
  'a': RNG.randn(4, 5, 3).astype(np.float32),
  'b': RNG.randn(4, 5).astype(np.float32),
}
CARRY = (RNG.randn(4, 3).astype(np.float32), np.zeros((4,), np.float32))


def cell(carry, x):
  h, total = carry
  h = jnp.tanh(0.5 * h + x['a'] * x['b'][:, None])
  return (h, total + x['b']), {'h': h, 'top': h.max(-1)}


def loop(carry, inputs):
  outputs = []
  for t in range(5):
    carry, y = cell(carry, jax.tree.map(lambda x, t=t: x[:, t], inputs))
    outputs.append(y)
  return carry, jax.tree.map(lambda *y: jnp.stack(y, axis=1), *outputs)


class UnrollTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(1, 2)
  def test_matches_a_loop(self, unroll):
    got = self.variant(lambda c, x: recurrence.unroll(cell, c, x, unroll))(
      CARRY, INPUTS
    )
    chex.assert_trees_all_close(got, loop(CARRY, INPUTS), rtol=1e-5)
    chex.assert_shape([got[1]['h'], got[1]['top']], [(4, 5, 3), (4, 5)])

  def test_gradients_match_a_loop(self):
    def value(run):
      def f(carry, inputs):
        carry, outputs = run(carry, inputs)
        return jnp.sum(carry[0]) + jnp.sum(outputs['h'] ** 2)

      return jax.jit(jax.grad(f, argnums=(0, 1)))(CARRY, INPUTS)

    chex.assert_trees_all_close(
      value(lambda c, x: recurrence.unroll(cell, c, x)),
      value(loop),
      rtol=1e-4,
      atol=1e-6,
    )
