"""Tests recurrent cells against loops, and their parameter counts."""

import chex
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets import cells
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import recurrent

INIT = initializers('relgan')


def noisy(params, seed):
  """Fills all parameters with noise, so that each gain, bias and gate acts."""
  rng = np.random.RandomState(seed)
  return jax.tree.map(
    lambda x: jnp.asarray(0.5 * rng.randn(*x.shape), x.dtype), params
  )


def count(tree):
  return sum(x.size for x in jax.tree.leaves(tree))


def shapes(*, vocab_size=5000, **settings):
  """Returns the parameter shapes of a generator with E = 32."""
  cell = cells.relational_memory(**settings, init=INIT)
  model = recurrent(cell, vocab_size=vocab_size, embed_dim=32, init=INIT)
  return jax.eval_shape(model.init, jax.random.key(0))


def step_and_oracle(params, cell, memory, u, **settings):
  step = jax.jit(lambda p, m, u: cell.module.apply({'params': p}, m, u))
  got, output = step(params, memory, u)
  want = network_oracles.relational_memory(
    params,
    memory,
    u,
    **settings,
    heads=2,
    key_size=2,
    layers=2,
    biases=(1.25, -0.5),
  )
  return got, output, want


def build(*, blocks, **settings):
  return cells.relational_memory(
    heads=2,
    head_size=3,
    key_size=2,
    mlp_layers=2,
    blocks=blocks,
    forget_bias=1.25,
    input_bias=-0.5,
    **settings,
    init=INIT,
  )


class RelationalMemoryTest(chex.TestCase):
  @parameterized.product(
    flavour=tuple(cells.FLAVOURS),
    size=[(1, 1, 'unit'), (2, 2, 'unit'), (2, 1, 'memory'), (1, 2, 'none')],
  )
  def test_matches_the_loops(self, flavour, size):
    slots, blocks, gate = size
    cell = build(slots=slots, blocks=blocks, gate=gate, flavour=flavour)
    rng = np.random.RandomState(slots)
    memory = jnp.asarray(rng.randn(4, slots, 6), jnp.float32)
    u = jnp.asarray(rng.randn(4, 6), jnp.float32)
    params = noisy(
      jax.eval_shape(cell.module.init, jax.random.key(0), memory, u)['params'],
      seed=1,
    )
    got, output, want = step_and_oracle(
      params, cell, memory, u, flavour=flavour, blocks=blocks, gate=gate
    )
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)
    np.testing.assert_array_equal(output, np.reshape(got, (4, slots * 6)))
    self.assertEqual(cell.width, slots * 6)

  @parameterized.parameters(*cells.FLAVOURS)
  def test_epsilon_of_the_norm(self, flavour):
    """Uses nearly constant rows, where 1e-5 and 1e-12 differ most."""
    cell = build(slots=1, blocks=1, gate='none', flavour=flavour)
    rng = np.random.RandomState(0)
    memory = jnp.asarray(1e-3 * rng.randn(4, 1, 6), jnp.float32)
    u = jnp.asarray(1e-3 * rng.randn(4, 6), jnp.float32)
    params = noisy(
      jax.eval_shape(cell.module.init, jax.random.key(0), memory, u)['params'],
      seed=2,
    )
    # The qkv bias would hide the small differences.
    params['qkv'].pop('bias', None)
    if flavour != 'relgan':
      params['qkv']['bias'] = jnp.zeros_like(params['qkv']['kernel'][0])
    got, _, want = step_and_oracle(
      params, cell, memory, u, flavour=flavour, blocks=1, gate='none'
    )
    np.testing.assert_allclose(got, want, rtol=2e-3, atol=1e-4)

  @parameterized.parameters((1, 3), (2, 3), (4, 1))
  def test_starts_with_unit_vectors(self, slots, head_size):
    cell = cells.relational_memory(slots=slots, head_size=head_size, init=INIT)
    got = cell.initial(4)
    want = np.zeros((4, slots, 2 * head_size))
    for s in range(min(slots, 2 * head_size)):
      want[:, s, s] = 1
    np.testing.assert_array_equal(got, want)

  def test_trained_biases_start_at_the_settings(self):
    cell = build(slots=1, blocks=1, gate='unit', flavour='textgan')
    params = jax.jit(cell.module.init)(
      jax.random.key(0), cell.initial(1), jnp.zeros((1, 6))
    )['params']
    self.assertEqual(params['forget_bias'], 1.25)
    self.assertEqual(params['input_bias'], -0.5)

  def test_key_size_defaults_to_head_size(self):
    for key_size, width in ((0, 9), (5, 13)):
      cell = cells.relational_memory(
        heads=2, head_size=3, key_size=key_size, init=INIT
      )
      params = jax.eval_shape(
        cell.module.init, jax.random.key(0), cell.initial(1), jnp.zeros((1, 6))
      )['params']
      self.assertEqual(params['qkv']['kernel'].shape, (6, 2 * width))

  @parameterized.parameters(
    # The published count is lower by two, because it leaves out the two trained
    # scalar biases of the gates.
    ('textgan', 256, 2_128_384 + 2),
    ('textgan', 128, 539_904 + 2),
    ('relgan', 256, 2_382_336),
    ('relgan', 128, 601_344),
    ('santoro', 256, 2_385_920),
    ('santoro', 128, 603_136),
  )
  def test_parameter_count(self, flavour, head_size, want):
    params = shapes(flavour=flavour, head_size=head_size)
    self.assertEqual(count((params['core'], params['input'])), want)

  @parameterized.parameters((5000, 4_853_384), (4659, 4_667_539))
  def test_parameter_count_of_a_generator(self, vocab_size, published):
    params = shapes(flavour='textgan', vocab_size=vocab_size)
    # Adds the two scalars and the embeddings of the start and unknown symbols.
    self.assertEqual(count(params), published + 2 + 2 * 32)

  @parameterized.parameters(
    ({'flavour': 'sonnet'}, 'flavour.*sonnet.*santoro, relgan, textgan'),
    ({'gate': 'units'}, 'gate.*units.*unit, memory, none'),
    ({'slots': 0}, 'slots=0'),
    ({'heads': 0}, 'heads=0'),
    ({'head_size': -1}, 'head_size=-1'),
    ({'key_size': -1}, 'key_size=-1'),
    ({'blocks': 0}, 'blocks=0'),
    ({'mlp_layers': 0}, 'mlp_layers=0'),
  )
  def test_rejects_bad_settings(self, settings, message):
    with self.assertRaisesRegex(UserError, message):
      cells.relational_memory(**settings, init=INIT)
