"""Tests LSTM and GRU against loops, and the GRU against Flax."""

import math

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets import cells, gated
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import recurrent

B, H = 4, 3
INIT = initializers('relgan')
MAKERS = {'lstm': gated.lstm, 'gru': gated.gru}


def noisy(cell, seed=1):
  """Fills all parameters with noise, so that each bias acts."""
  rng = np.random.RandomState(seed)
  u = jnp.zeros((1, cell.input_width))
  return jax.tree.map(
    lambda x: jnp.asarray(rng.randn(*x.shape), x.dtype),
    jax.eval_shape(cell.module.init, jax.random.key(0), cell.initial(1), u)[
      'params'
    ],
  )


def count(tree):
  return sum(x.size for x in jax.tree.leaves(tree))


def normal(*shape, seed=0):
  return jnp.asarray(np.random.RandomState(seed).randn(*shape), jnp.float32)


def naive_gru(params, h, u):
  """One step for states [n, H] and projected inputs [n, 3 H], by entry."""
  p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
  kernel, bias = p['Dense_0']['kernel'], p['candidate_bias']
  n, width = h.shape
  out = np.zeros((n, width))

  def sigmoid(x):
    return 1 / (1 + math.exp(-x))

  for b in range(n):
    for j in range(width):
      r, z, c = (
        sum(float(h[b, k]) * kernel[k, g * width + j] for k in range(width))
        for g in range(3)
      )
      reset = sigmoid(float(u[b, j]) + r)
      update = sigmoid(float(u[b, width + j]) + z)
      new = math.tanh(float(u[b, 2 * width + j]) + reset * (c + bias[j]))
      out[b, j] = update * float(h[b, j]) + (1 - update) * new
  return out


class LSTMTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_matches_the_loops(self):
    cell = gated.lstm(width=H, init=INIT)
    h, c, u = normal(B, H), normal(B, H, seed=1), normal(B, 4 * H, seed=2)
    params = noisy(cell)
    step = self.variant(lambda p, *x: cell.module.apply({'params': p}, *x))
    (new_h, new_c), output = step(params, (h, c), u)
    want_h, want_c = network_oracles.lstm(params, h, c, u)
    np.testing.assert_allclose(new_h, want_h, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(new_c, want_c, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(output, new_h)

  def test_parameter_count(self):
    # SeqGAN's cell has four gates with W [32, 32], U [32, 32] and b.
    model = recurrent(
      gated.lstm(width=32, init=INIT), vocab_size=5000, embed_dim=32, init=INIT
    )
    params = jax.eval_shape(model.init, jax.random.key(0))
    self.assertEqual(
      count((params['core'], params['input'])), 4 * (2 * 32 * 32 + 32)
    )
    self.assertEqual(count(params['head']), 33 * 5000)


class MogrifierTest(chex.TestCase):
  @parameterized.parameters(0, 1, 2, 5)
  def test_matches_the_loops(self, rounds):
    cell = gated.mogrifier(width=H, rounds=rounds, init=INIT)
    h, c, x = normal(B, H), normal(B, H, seed=1), normal(B, H, seed=2)
    params = noisy(cell)
    step = jax.jit(lambda p, *x: cell.module.apply({'params': p}, *x))
    (new_h, new_c), output = step(params, (h, c), x)
    want = network_oracles.mogrifier(params, h, c, x, rounds=rounds)
    np.testing.assert_allclose(new_h, want[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(new_c, want[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(output, new_h)

  def test_negative_rounds_are_refused(self):
    with self.assertRaisesRegex(UserError, 'generator.rounds=-1'):
      gated.mogrifier(width=H, rounds=-1, init=INIT)


class GRUTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_matches_the_loops(self):
    cell = gated.gru(width=H, init=INIT)
    h, u = normal(B, H), normal(B, 3 * H, seed=1)
    params = noisy(cell)
    step = self.variant(lambda p, *x: cell.module.apply({'params': p}, *x))
    carry, output = step(params, h, u)
    np.testing.assert_allclose(
      output, naive_gru(params, h, u), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(carry, output)

  def test_matches_the_flax_cell(self):
    """Uses Flax's weights for input and state, concatenated."""
    reference = nn.GRUCell(H, bias_init=jax.nn.initializers.normal(1.0))
    h, x = normal(B, H), normal(B, 5, seed=1)
    theirs = reference.init(jax.random.key(0), h, x)['params']

    def beside(names, leaf):
      return jnp.concatenate([theirs[n][leaf] for n in names], axis=-1)

    inputs = ('ir', 'iz', 'in')
    u = x @ beside(inputs, 'kernel') + beside(inputs, 'bias')[None]
    ours = {
      'Dense_0': {'kernel': beside(('hr', 'hz', 'hn'), 'kernel')},
      'candidate_bias': theirs['hn']['bias'],
    }
    cell = gated.gru(width=H, init=INIT)
    _, got = cell.module.apply({'params': ours}, h, u)
    _, want = reference.apply({'params': theirs}, h, x)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)

  def test_an_open_update_gate_keeps_the_state(self):
    cell = gated.gru(width=H, init=INIT)
    h = normal(B, H)
    u = jnp.concatenate(
      [jnp.zeros((B, H)), jnp.full((B, H), 99.0), jnp.zeros((B, H))], axis=1
    )
    carry, _ = cell.module.apply({'params': noisy(cell)}, h, u)
    np.testing.assert_array_equal(carry, h)

  def test_parameter_count(self):
    # Three gates with W [E, H], U [H, H] and b; the candidate has a second b.
    model = recurrent(
      gated.gru(width=8, init=INIT), vocab_size=50, embed_dim=5, init=INIT
    )
    params = jax.eval_shape(model.init, jax.random.key(0))
    self.assertEqual(
      count((params['core'], params['input'])), 3 * (5 * 8 + 8 * 8 + 8) + 8
    )


class GatedCellTest(chex.TestCase):
  @parameterized.parameters('lstm', 'gru')
  def test_initial_state_is_zero(self, name):
    cell = MAKERS[name](width=H, init=INIT)
    carry = cell.initial(B)
    chex.assert_trees_all_equal(carry, jax.tree.map(np.zeros_like, carry))
    chex.assert_trees_all_equal_shapes(carry, cell.seed(jnp.ones((B, H))))
    self.assertEqual(cell.width, H)

  def test_seed_sets_the_visible_state(self):
    h = normal(B, H)
    chex.assert_trees_all_equal(gated.gru(width=H, init=INIT).seed(h), h)
    chex.assert_trees_all_equal(
      gated.lstm(width=H, init=INIT).seed(h), (h, np.zeros((B, H)))
    )
    self.assertIsNone(cells.relational_memory(init=INIT).seed)

  @parameterized.parameters('lstm', 'gru')
  def test_rejects_bad_width(self, name):
    with self.assertRaisesRegex(UserError, 'hidden=0'):
      MAKERS[name](width=0, init=INIT)


class NormTest(chex.TestCase):
  def test_normalised_gates_equal_the_loops(self):
    cell = gated.lstm(width=H, init=INIT, norm=True)
    h, c, u = normal(B, H), normal(B, H, seed=1), normal(B, 4 * H, seed=2)
    params = noisy(cell)
    norm = params['LayerNorm_0']
    (new_h, new_c), _ = cell.module.apply({'params': params}, (h, c), u)
    sums = np.asarray(u) + np.asarray(h) @ params['Dense_0']['kernel']
    rows = []
    for row in sums:
      unit = (row - row.mean()) / math.sqrt(row.var() + 1e-5)
      rows.append(unit * norm['scale'] + norm['bias'])
    # The oracle adds the product with h itself.
    flat = {'Dense_0': {'kernel': np.zeros((H, 4 * H))}}
    want_h, want_c = network_oracles.lstm(flat, h, c, np.array(rows))
    np.testing.assert_allclose(new_h, want_h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(new_c, want_c, rtol=1e-4, atol=1e-5)


class StackTest(parameterized.TestCase):
  def test_one_layer_is_the_cell_itself(self):
    cell = gated.lstm(width=H, init=INIT)
    self.assertIs(gated.stacked(cell, 1, INIT), cell)

  @parameterized.parameters(*MAKERS)
  def test_layers_read_the_output_of_the_layer_below(self, name):
    cell = MAKERS[name](width=H, init=INIT)
    stack = gated.stacked(cell, 3, INIT)
    params = noisy(stack)
    carries = jax.tree.map(
      lambda x: normal(*x.shape, seed=x.size), stack.initial(B)
    )
    u = normal(B, stack.input_width, seed=2)
    got, output = stack.module.apply({'params': params}, carries, u)
    want = []
    for i, carry in enumerate(carries):
      if i:
        layer = params[f'maps_{i - 1}']
        u = u @ layer['kernel'] + layer['bias'][None]
      carry, u = cell.module.apply({'params': params[f'layers_{i}']}, carry, u)
      want.append(carry)
    chex.assert_trees_all_close(got, tuple(want), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(output, u, rtol=1e-5, atol=1e-6)
    self.assertEqual(
      count(params),
      count(noisy(cell)) * 3
      + sum((H + 1) * cell.input_width for _ in range(2)),
    )

  def test_layers_differ_at_the_start(self):
    stack = gated.stacked(gated.lstm(width=H, init=INIT), 2, INIT)
    params = stack.module.init(
      jax.random.key(0), stack.initial(1), jnp.zeros((1, 4 * H))
    )['params']
    one, two = (params[f'layers_{i}']['Dense_0']['kernel'] for i in range(2))
    self.assertTrue((one != two).any())

  def test_all_layers_start_from_the_seed(self):
    stack = gated.stacked(gated.lstm(width=H, init=INIT), 2, INIT)
    h = normal(B, H)
    for own, rest in stack.seed(h):
      np.testing.assert_array_equal(own, h)
      self.assertFalse(rest.any())
