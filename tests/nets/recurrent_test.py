"""Tests generators against NumPy, and mixtures against a loop over experts."""

import chex
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets import cells, gated
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import (
  AGGREGATIONS,
  END_INPUTS,
  SHARING,
  mixture,
  recurrent,
)
from moegan_jax.ops import random
from moegan_jax.ops.recurrence import unroll

B, T, V, N = 4, 5, 7, 3
INIT = initializers('seqgan')
EXPERT = recurrent(
  gated.lstm(width=4, init=INIT), vocab_size=V, embed_dim=3, init=INIT
)
RNG = np.random.RandomState(0)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
WEIGHTS = jnp.asarray(RNG.randn(B, T, V), jnp.float32)
MIXTURES = [(s, a) for s in SHARING for a in AGGREGATIONS]


def logits_of(model, params):
  """Returns the next-token logits of the given text, [B, T, V]."""
  start = jnp.full((B, 1), model.start, jnp.int32)
  params = model.prepare(params)
  _, hidden = unroll(
    lambda carry, x: model.step(params, carry, model.embed(params, x)),
    model.begin(params, B, None),
    jnp.concatenate([start, TOKENS[:, :-1]], axis=1),
  )
  return model.readout(params, hidden)


EXPERT_LOGITS = jax.jit(lambda params: logits_of(EXPERT, params))
EXPERT_GRADS = jax.jit(
  lambda params, weights: jax.grad(
    lambda p: jnp.sum(weights * logits_of(EXPERT, p))
  )(params)
)


def first_step(model, params, fed, context=None):
  """Returns the carry and the hidden output after the first input."""
  params = model.prepare(params)
  carry = model.begin(params, B, context)
  return model.step(params, carry, model.embed(params, fed))


def noisy(model, seed=1):
  """Returns parameters that are larger than at initialisation."""
  rng = np.random.RandomState(seed)
  return jax.tree.map(
    lambda x: jnp.asarray(0.7 * rng.randn(*x.shape), x.dtype),
    jax.eval_shape(model.init, jax.random.key(0)),
  )


def expert_of(params, i, sharing):
  return {
    group: value
    if group in SHARING[sharing]
    else jax.tree.map(lambda x: x[i], value)
    for group, value in params.items()
  }


def aggregate(each, aggregation):
  """Returns the logits of a mixture from those of the experts."""
  if aggregation == 'repr_mean':
    return sum(each) / N
  return jnp.log(sum(jax.nn.softmax(x) for x in each) / N)


class RecurrentTest(chex.TestCase):
  def test_matches_numpy(self):
    params = noisy(EXPERT)
    got = EXPERT_LOGITS(params)

    p = jax.tree.map(np.asarray, params)
    h = c = np.zeros((B, 4))
    fed = np.full(B, V)
    for t in range(T):
      u = p['embed'][fed] @ p['input']['kernel'] + p['input']['bias']
      h, c = network_oracles.lstm(p['core'], h, c, u)
      want = h @ p['head']['kernel'] + p['head']['bias']
      np.testing.assert_allclose(got[:, t], want, rtol=1e-4, atol=1e-5)
      fed = np.asarray(TOKENS[:, t])

  def test_has_two_input_only_symbols(self):
    params = jax.eval_shape(EXPERT.init, jax.random.key(0))
    self.assertEqual(EXPERT.start, V)
    self.assertEqual(params['embed'].shape, (V + 2, 3))
    self.assertEqual(params['head']['kernel'].shape, (4, V))

  @parameterized.parameters(1, N)
  def test_one_hot_rows_equal_tokens(self, experts):
    model = mixture(EXPERT, experts=experts)
    params = noisy(model)
    step = jax.jit(lambda p, x: first_step(model, p, x))
    tokens = jnp.array([0, 3, V - 1, 2])
    want = step(params, tokens)
    for width in (V, V + 2):
      got = step(params, jax.nn.one_hot(tokens, width))
      chex.assert_trees_all_close(got, want, rtol=1e-5, atol=1e-6)
    symbols = jnp.array([V, V + 1, V, V + 1])
    got = step(params, jax.nn.one_hot(symbols, V + 2))
    chex.assert_trees_all_close(
      got, step(params, symbols), rtol=1e-5, atol=1e-6
    )

  def test_rejects_context_without_latent(self):
    with self.assertRaisesRegex(ValueError, 'context'):
      EXPERT.begin({}, B, jnp.zeros((B, 2)))


def latent(cell=gated.lstm, **settings):
  core = cell(width=4, init=INIT)
  return recurrent(
    core, vocab_size=V, embed_dim=3, init=INIT, latent=2, **settings
  )


class LatentTest(chex.TestCase):
  def test_noise_sets_the_start_and_is_fed_each_step(self):
    model = latent()
    params = noisy(model)
    z = jnp.asarray(RNG.randn(B, 2), jnp.float32)
    carry = model.begin(params, B, z)
    start = params['latent']
    (h, c), kept = carry
    np.testing.assert_allclose(
      h, np.tanh(z @ start['kernel'] + start['bias'][None]), rtol=1e-6
    )
    self.assertFalse(c.any())
    np.testing.assert_array_equal(kept, z)
    # The same cell without noise, with the contribution of z added to its
    # input.
    x = jnp.concatenate([params['embed'][TOKENS[:, 0]], z], axis=-1)
    u = x @ params['input']['kernel'] + params['input']['bias'][None]
    core = gated.lstm(width=4, init=INIT).module
    _, expected = core.apply({'params': params['core']}, (h, c), u)
    (_, again), hidden = first_step(model, params, TOKENS[:, 0], z)
    np.testing.assert_allclose(hidden, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(again, z)

  @parameterized.parameters(('normal', 0, 1), ('uniform', 0, 1 / 3))
  def test_prior(self, prior, mean, variance):
    rows = random.row_keys(jax.random.key(0), 4000)
    z = np.asarray(latent(prior=prior).latent(rows))
    self.assertEqual(z.shape, (4000, 2))
    np.testing.assert_allclose(z.mean(0), mean, atol=0.06)
    np.testing.assert_allclose(z.var(0), variance, rtol=0.1)
    if prior == 'uniform':
      self.assertLess(abs(z).max(), 1.0001)

  def test_requires_noise_and_a_cell_with_seed(self):
    with self.assertRaisesRegex(ValueError, 'context'):
      latent().begin({}, B, None)
    with self.assertRaisesRegex(UserError, 'generator.latent=2'):
      latent(lambda width, init: cells.relational_memory(init=init))
    with self.assertRaisesRegex(UserError, 'generator.prior'):
      latent(prior='cauchy')

  def test_experts_receive_the_same_noise(self):
    model = mixture(latent(gated.gru), experts=N)
    params = noisy(model)
    z = jnp.asarray(RNG.randn(B, 2), jnp.float32)
    _, hidden = first_step(model, params, TOKENS[:, 0], z)
    one = latent(gated.gru)
    each = [
      first_step(one, p, TOKENS[:, 0], z)[1]
      for p in (expert_of(params, i, 'embed_out') for i in range(N))
    ]
    np.testing.assert_allclose(hidden, np.mean(each, 0), rtol=1e-5, atol=1e-6)


class MixtureTest(chex.TestCase):
  @parameterized.parameters(*MIXTURES)
  def test_matches_a_loop_over_experts(self, sharing, aggregation):
    model = mixture(EXPERT, experts=N, sharing=sharing, aggregation=aggregation)
    params = noisy(model)

    @jax.jit
    def run(params):
      def f(params):
        logits = logits_of(model, params)
        return jnp.sum(WEIGHTS * logits), logits

      return jax.grad(f, has_aux=True)(params)

    got_grads, got = run(params)

    experts = [expert_of(params, i, sharing) for i in range(N)]
    each = [EXPERT_LOGITS(p) for p in experts]
    want = aggregate(each, aggregation)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    # The two averages differ by more than a constant.
    for other in set(AGGREGATIONS) - {aggregation}:
      gap = jax.nn.log_softmax(aggregate(each, other) - want)
      self.assertGreater(np.ptp(gap), 0.1)

    weights = jax.grad(
      lambda each: jnp.sum(WEIGHTS * aggregate(each, aggregation))
    )(each)
    grads = [EXPERT_GRADS(p, w) for p, w in zip(experts, weights)]
    for group in params:
      merge = sum if group in SHARING[sharing] else np.stack
      want = jax.tree.map(lambda *g, m=merge: m(g), *[g[group] for g in grads])
      self.assertGreater(np.abs(jax.tree.leaves(want)[0]).max(), 0.01)
      chex.assert_trees_all_close(got_grads[group], want, rtol=1e-3, atol=1e-4)

  @parameterized.parameters(*SHARING)
  def test_experts_differ_at_initialisation(self, sharing):
    model = mixture(EXPERT, experts=N, sharing=sharing)
    params = model.init(jax.random.key(0, impl='unsafe_rbg'))
    alone = jax.eval_shape(EXPERT.init, jax.random.key(0))
    for group in params:
      if group in SHARING[sharing]:
        chex.assert_trees_all_equal_shapes(params[group], alone[group])
      else:
        for leaf, one in zip(
          jax.tree.leaves(params[group]), jax.tree.leaves(alone[group])
        ):
          chex.assert_shape(leaf, (N, *one.shape))
    each = [EXPERT_LOGITS(expert_of(params, i, sharing)) for i in range(N)]
    for i in range(N):
      self.assertGreater(np.abs(each[i] - each[i - 1]).max(), 1e-4)

  @parameterized.product(end_input=END_INPUTS, soft=(False, True))
  def test_input_after_the_end(self, end_input, soft):
    """'zero' equals a generator whose embedding of the end symbol is zero."""
    pad = 2
    model = recurrent(
      gated.lstm(width=4, init=INIT),
      vocab_size=V,
      embed_dim=3,
      init=INIT,
      pad=pad,
      end_input=end_input,
    )
    params = noisy(model)
    zeroed = params | {'embed': params['embed'].at[pad].set(0.0)}
    fed = jnp.asarray([pad, 1, 5, pad])
    if soft:
      fed = jax.nn.softmax(WEIGHTS[:, 0])

    def hidden(model, params):
      return first_step(model, params, fed)[1]

    got = hidden(model, params)
    same = np.abs(got - hidden(EXPERT, zeroed)).max(axis=1) < 1e-6
    grad = jax.grad(lambda p: jnp.sum(hidden(model, p) ** 2))(params)['embed']
    if end_input == 'zero':
      self.assertTrue(same.all())
      self.assertEqual(np.abs(grad[pad]).max(), 0.0)
    else:
      np.testing.assert_array_equal(same, [False] * 4 if soft else fed != pad)
      self.assertGreater(np.abs(grad[pad]).max(), 1e-4)
    self.assertGreater(np.abs(grad[1]).max(), 1e-4)

  @parameterized.parameters(*SHARING, 'all')
  def test_one_expert_equals_the_plain_generator(self, sharing):
    self.assertIs(mixture(EXPERT, experts=1, sharing=sharing), EXPERT)

  @parameterized.parameters(
    ({'experts': 2, 'sharing': 'all'}, 'the same function'),
    ({'experts': 2, 'sharing': 'some'}, 'some.*embed_out, mgan, none'),
    ({'experts': 2, 'aggregation': 'sum'}, 'sum.*repr_mean, prob_mean'),
    ({'experts': 0}, 'experts=0'),
  )
  def test_rejects_bad_settings(self, settings, message):
    with self.assertRaisesRegex(UserError, message):
      mixture(EXPERT, **settings)
