"""Generators against NumPy, and mixtures against a loop over experts."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets import cells
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import AGGREGATIONS, SHARING, mixture, recurrent

B, T, V, N = 4, 5, 7, 3
INIT = initializers('seqgan')
EXPERT = recurrent(
  cells.relational_memory(head_size=2, init=INIT),
  vocab_size=V,
  embed_dim=3,
  init=INIT,
)
RNG = np.random.RandomState(0)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
WEIGHTS = jnp.asarray(RNG.randn(B, T, V), jnp.float32)
MIXTURES = [(s, a) for s in SHARING for a in AGGREGATIONS]


def logits_of(model, params, tokens=TOKENS):
  """Next-token logits of given text, step by step; [B, T, V]."""
  carry = model.begin(params, B, None)
  fed = jnp.full((B,), model.start, jnp.int32)
  logits = []
  for t in range(T):
    carry, hidden = model.step(params, carry, fed)
    logits.append(model.readout(params, hidden))
    fed = tokens[:, t]
  return jnp.stack(logits, axis=1)


def log_probs(logits):
  return jax.nn.log_softmax(logits)


def larger(params):
  """The weights of an untrained expert are too small to tell much apart."""
  return jax.tree.map(lambda x: 5 * x, params)


def expert_of(params, i, sharing):
  return {
    group: value
    if group in SHARING[sharing]
    else jax.tree.map(lambda x: x[i], value)
    for group, value in params.items()
  }


def loop_log_probs(params, sharing, aggregation):
  """log p of a mixture by a loop over experts, each run on its own."""
  each = [
    log_probs(logits_of(EXPERT, expert_of(params, i, sharing)))
    for i in range(N)
  ]
  if aggregation == 'prob_mean':
    return jnp.log(sum(jnp.exp(p) for p in each) / N)
  # Log-probabilities differ from logits by a constant a row and expert,
  # which the last normalisation takes away.
  return log_probs(sum(each) / N)


class RecurrentTest(chex.TestCase):
  def test_matches_numpy(self):
    model = recurrent(
      cells.lstm(width=3, init=INIT), vocab_size=V, embed_dim=2, init=INIT
    )
    params = larger(jax.jit(model.init)(jax.random.key(0)))
    got = jax.jit(lambda p: logits_of(model, p))(params)

    p = jax.tree.map(np.asarray, params)
    h = c = np.zeros((B, 3))
    fed = np.full(B, V)
    for t in range(T):
      u = p['embed'][fed] @ p['input']['kernel'] + p['input']['bias']
      h, c = oracles.lstm(p['core'], h, c, u)
      want = h @ p['head']['kernel'] + p['head']['bias']
      np.testing.assert_allclose(got[:, t], want, rtol=1e-4, atol=1e-5)
      fed = np.asarray(TOKENS[:, t])

  def test_has_two_symbols_that_are_input_only(self):
    params = jax.eval_shape(EXPERT.init, jax.random.key(0))
    self.assertEqual(EXPERT.start, V)
    self.assertEqual(params['embed'].shape, (V + 2, 3))
    self.assertEqual(params['head']['kernel'].shape, (4, V))

  @parameterized.parameters(1, N)
  def test_one_hot_rows_are_tokens(self, experts):
    model = mixture(EXPERT, experts=experts)
    params = larger(jax.jit(model.init)(jax.random.key(0)))
    step = jax.jit(lambda p, x: model.step(p, model.begin(p, B, None), x))
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

  def test_takes_no_context(self):
    with self.assertRaisesRegex(ValueError, 'no context'):
      EXPERT.begin({}, B, jnp.zeros((B, 2)))


class MixtureTest(chex.TestCase):
  @parameterized.parameters(*MIXTURES)
  def test_is_a_loop_over_experts(self, sharing, aggregation):
    model = mixture(EXPERT, experts=N, sharing=sharing, aggregation=aggregation)
    params = larger(jax.jit(model.init)(jax.random.key(1)))

    def value(run):
      def f(params):
        p = run(params)
        return jnp.sum(WEIGHTS * p), p

      (_, p), grads = jax.jit(jax.value_and_grad(f, has_aux=True))(params)
      return p, grads

    got = value(lambda p: log_probs(logits_of(model, p)))
    want = value(lambda p: loop_log_probs(p, sharing, aggregation))
    chex.assert_trees_all_close(got, want, rtol=1e-3, atol=1e-4)
    for leaf in jax.tree.leaves(want[1]):
      self.assertGreater(np.abs(leaf).max(), 1e-3)

  @parameterized.parameters(*SHARING)
  def test_averages_what_it_says(self, sharing):
    """The readout itself: logits for one, probabilities for the other."""
    models = {
      a: mixture(EXPERT, experts=N, sharing=sharing, aggregation=a)
      for a in AGGREGATIONS
    }
    params = larger(jax.jit(models['prob_mean'].init)(jax.random.key(2)))
    got = {
      a: np.asarray(jax.jit(lambda p, m=m: logits_of(m, p))(params))
      for a, m in models.items()
    }
    each = np.array(
      [
        jax.jit(lambda p: logits_of(EXPERT, p))(expert_of(params, i, sharing))
        for i in range(N)
      ]
    )
    np.testing.assert_allclose(
      got['repr_mean'], each.mean(0), rtol=1e-4, atol=1e-5
    )
    odds = np.exp(each)
    probs = (odds / odds.sum(-1, keepdims=True)).mean(0)
    np.testing.assert_allclose(np.exp(got['prob_mean']), probs, rtol=1e-4)
    # And the two are not the same thing.
    other = np.exp(each.mean(0))
    other /= other.sum(-1, keepdims=True)
    self.assertGreater(np.abs(other - probs).max(), 1e-3)

  @parameterized.parameters(*SHARING)
  def test_experts_differ_from_the_start(self, sharing):
    model = mixture(EXPERT, experts=N, sharing=sharing)
    params = jax.jit(model.init)(jax.random.key(0))
    alone = jax.eval_shape(EXPERT.init, jax.random.key(0))
    for group, value in params.items():
      extra = () if group in SHARING[sharing] else (N,)
      chex.assert_trees_all_equal_shapes(
        value,
        jax.tree.map(lambda x, e=extra: jnp.zeros(e + x.shape), alone[group]),
      )
    run = jax.jit(lambda p: logits_of(EXPERT, p))
    each = [run(expert_of(params, i, sharing)) for i in range(N)]
    for i in range(N):
      self.assertGreater(np.abs(each[i] - each[i - 1]).max(), 1e-4)

  @parameterized.parameters(*SHARING, 'all')
  def test_one_expert_is_the_plain_generator(self, sharing):
    model = mixture(EXPERT, experts=1, sharing=sharing)
    chex.assert_trees_all_equal(
      jax.jit(model.init)(jax.random.key(5)),
      jax.jit(EXPERT.init)(jax.random.key(5)),
    )
    params = jax.jit(EXPERT.init)(jax.random.key(6))
    chex.assert_trees_all_equal(
      jax.jit(lambda p: logits_of(model, p))(params),
      jax.jit(lambda p: logits_of(EXPERT, p))(params),
    )

  @parameterized.parameters(
    ({'experts': 2, 'sharing': 'all'}, 'one and the same function'),
    ({'experts': 2, 'sharing': 'some'}, 'some.*embed_out, mgan, none'),
    ({'experts': 2, 'aggregation': 'sum'}, 'sum.*repr_mean, prob_mean'),
    ({'experts': 0}, 'experts=0'),
  )
  def test_refuses(self, settings, message):
    with self.assertRaisesRegex(UserError, message):
      mixture(EXPERT, **settings)
