"""Tests the scan over timesteps: samples, relaxed rows and gradients."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from moegan_jax import decode
from moegan_jax.nets import cells, gated
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import mixture, recurrent
from moegan_jax.ops import random
from moegan_jax.ops.relaxation import gumbel_softmax, truncate
from moegan_jax.types import Generator

B, T, V = 4, 5, 7
MANY = 4000
INIT = initializers('seqgan')
LSTM = recurrent(
  gated.lstm(width=4, init=INIT), vocab_size=V, embed_dim=3, init=INIT
)
MEMORY = recurrent(
  cells.relational_memory(slots=2, head_size=2, init=INIT),
  vocab_size=V,
  embed_dim=3,
  init=INIT,
)
MODELS = {
  'lstm': LSTM,
  'memory': mixture(MEMORY, experts=2),
  'probabilities': mixture(
    LSTM, experts=2, sharing='none', aggregation='prob_mean'
  ),
}
MODEL = LSTM


def noisy(model):
  """Returns parameters large enough for logits that depend on the text."""
  rng = np.random.RandomState(0)
  return jax.tree.map(
    lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype),
    jax.eval_shape(model.init, jax.random.key(0)),
  )


PARAMS = noisy(MODEL)
ROWS = random.row_keys(jax.random.key(1), B)
OTHER_ROWS = random.row_keys(jax.random.key(2), B)
RNG = np.random.RandomState(1)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
TABLE = jnp.asarray(RNG.randn(V, 3), jnp.float32)
WEIGHTS = jnp.asarray(RNG.randn(B, T, 3), jnp.float32)
BETA = 1.5

SAMPLE = jax.jit(
  lambda rows, temperature=1.0: decode.sample(
    MODEL, PARAMS, rows, length=T, temperature=temperature
  )
)
SAMPLE_GIVEN = jax.jit(
  lambda rows, prefix, given: decode.sample(
    MODEL, PARAMS, rows, length=T, prefix=prefix, given=given
  )
)
FORCE = jax.jit(lambda tokens: decode.teacher_force(MODEL, PARAMS, tokens))
READOUT = jax.jit(lambda hidden: MODEL.readout(PARAMS, hidden))


@jax.jit
def feed(start, rows):
  """Returns hidden outputs [n, T, H] for weights [n, T, V + 2] as inputs."""
  return decode.decode(
    MODEL,
    PARAMS,
    lambda hidden, t: (rows[:, t], hidden),
    n=B,
    length=T,
    start=start,
  )


def relax(params=PARAMS, beta=BETA, **settings):
  return decode.relax(MODEL, params, ROWS, beta, length=T, **settings)


RELAX = jax.jit(relax)


@functools.cache
def value_and_grad(after=False, **settings):
  """Returns a loss of embedded rows and hidden outputs, and its gradients."""

  def loss(params, table):
    if after:
      drawn = relax(params, **settings)
      embedded = drawn.rows @ table
    else:
      drawn = relax(params, contract=lambda rows: rows @ table, **settings)
      embedded = drawn.rows
    value = jnp.sum(WEIGHTS * jnp.sin(embedded)) + jnp.sum(drawn.hidden**2)
    return value, (drawn.tokens, drawn.hidden, embedded)

  return jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))


def excess(tokens, temperature=1.0):
  """Returns one_hot(token) - p(token | prefix), [n, T, V], whose mean is 0."""
  p = jax.nn.softmax(FORCE(tokens) / temperature)
  return np.asarray(jax.nn.one_hot(tokens, V) - p)


class DecodeTest(chex.TestCase):
  def test_hand_computed_sequences(self):
    """The toy generator adds up its inputs and outputs the sum."""

    def step(params, carry, tokens):
      carry = carry + tokens
      return carry, carry[:, None].astype(jnp.float32)

    def readout(params, hidden):
      return 1e3 * jax.nn.one_hot(hidden[..., 0] % V, V)

    model = Generator(
      lambda key: (), lambda params, n, context: context, step, readout, V
    )
    context = jnp.array([0, 1, 2, 10], jnp.int32)
    got = decode.sample(model, (), ROWS, length=T, context=context)
    for i, total in enumerate([0, 1, 2, 10]):
      fed = V  # the start symbol
      for t in range(T):
        total += fed
        fed = total % V
        self.assertEqual(got.tokens[i, t], fed)
        self.assertEqual(got.hidden[i, t, 0], total)
    forced = decode.teacher_force(model, (), got.tokens, context=context)
    np.testing.assert_array_equal(np.argmax(forced, -1), got.tokens)

  @parameterized.parameters(*MODELS)
  def test_sample_log_probs_match_teacher_forcing(self, name):
    model = MODELS[name]
    params = noisy(model)

    @jax.jit
    def both(rows):
      drawn = decode.sample(model, params, rows, length=T)
      sampled = model.readout(params, drawn.hidden)
      forced = decode.teacher_force(model, params, drawn.tokens)
      return drawn.tokens, sampled, forced

    tokens, sampled, forced = both(ROWS)
    chex.assert_shape([tokens, sampled, forced], [(B, T), *[(B, T, V)] * 2])
    log_probs = [
      np.take_along_axis(
        np.asarray(jax.nn.log_softmax(x)), tokens[..., None], 2
      )
      for x in (sampled, forced)
    ]
    np.testing.assert_allclose(*log_probs, rtol=1e-4, atol=1e-5)
    # The log-probabilities depend on the text.
    self.assertGreater(np.ptp(forced[:, -1], axis=0).max(), 0.1)

  def test_causality_through_gradients(self):
    """The logits of step t depend on all tokens before t and on no others."""
    weights = jax.nn.one_hot(TOKENS, V)
    start = jax.nn.one_hot(jnp.full(B, V), V + 2)

    def logits(weights):
      padded = jnp.pad(weights, ((0, 0), (0, 0), (0, 2)))
      return MODEL.readout(PARAMS, feed(start, padded))

    np.testing.assert_allclose(
      jax.jit(logits)(weights), FORCE(TOKENS), rtol=1e-5, atol=1e-5
    )
    mix = jnp.asarray(RNG.randn(B, 1, V), jnp.float32)
    jacobian = jax.jit(
      jax.jacrev(lambda w: jnp.sum(mix * logits(w), axis=(0, 2)))
    )(weights)
    reach = np.abs(jacobian).sum(axis=(1, 3))
    np.testing.assert_array_equal(np.triu(reach), 0)
    self.assertTrue((reach[np.tril_indices(T, -1)] > 1e-5).all())

  @parameterized.parameters(0, 2, 4)
  def test_causality_through_tokens(self, t):
    changed = TOKENS.at[:, t].set((TOKENS[:, t] + 1) % V)
    same, other = FORCE(TOKENS), FORCE(changed)
    np.testing.assert_array_equal(same[:, : t + 1], other[:, : t + 1])
    for later in range(t + 1, T):
      self.assertTrue((np.abs(same - other)[:, later].max(-1) > 1e-5).all())


class SampleTest(chex.TestCase):
  @parameterized.parameters(1.0, 2.0)
  def test_frequencies_match_the_generator(self, temperature):
    rows = random.row_keys(jax.random.key(3), MANY)
    tokens = SAMPLE(rows, temperature).tokens
    self.assertEqual(tokens.dtype, jnp.int32)
    # The start symbol V and the unknown symbol V + 1 are never generated.
    self.assertEqual(set(np.unique(tokens)), set(range(V)))
    rest = excess(tokens, temperature)
    # The tolerance is five standard errors of a share of 4000.
    np.testing.assert_allclose(rest.mean(0), 0, atol=0.04)
    # The residuals do not correlate with the previous token.
    before = np.eye(V)[np.asarray(tokens[:, :-1])]
    left = np.einsum('ntv,ntu->tuv', rest[:, 1:], before) / MANY
    np.testing.assert_allclose(left, 0, atol=0.03)
    # The test is sensitive: another temperature exceeds the tolerance.
    self.assertGreater(np.abs(excess(tokens, 1.5).mean(0)).max(), 0.04)

  def test_rows_are_independent_of_the_batch(self):
    whole = SAMPLE(ROWS).tokens
    key = jax.random.key(1)
    for first, n in ((0, 1), (2, 2)):
      part = SAMPLE(random.row_keys(key, n, first)).tokens
      np.testing.assert_array_equal(part, whole[first : first + n])
    order = jnp.array([3, 1, 0, 2])
    np.testing.assert_array_equal(SAMPLE(ROWS[order]).tokens, whole[order])

  def test_rows_and_keys_differ(self):
    rows = random.row_keys(jax.random.key(3), MANY)
    tokens = SAMPLE(rows).tokens
    self.assertGreater(len(np.unique(tokens, axis=0)), 500)
    self.assertFalse(
      np.array_equal(SAMPLE(ROWS).tokens, SAMPLE(OTHER_ROWS).tokens)
    )

  def test_temperature_zero_is_greedy(self):
    tokens = SAMPLE(ROWS, 1e-4).tokens
    np.testing.assert_array_equal(tokens, np.argmax(FORCE(tokens), -1))
    np.testing.assert_array_equal(tokens, SAMPLE(OTHER_ROWS, 1e-4).tokens)
    self.assertFalse(np.array_equal(tokens, SAMPLE(ROWS).tokens))

  def test_unrolling_has_no_effect(self):
    got = jax.jit(
      lambda: decode.sample(MODEL, PARAMS, ROWS, length=T, unroll=3)
    )()
    want = SAMPLE(ROWS)
    np.testing.assert_array_equal(got.tokens, want.tokens)
    np.testing.assert_allclose(got.hidden, want.hidden, rtol=1e-5, atol=1e-6)

  def test_keeps_given_tokens_and_samples_the_rest(self):
    rows = random.row_keys(jax.random.key(4), MANY)
    given = np.array([True, False, True, False, False])
    prefix = jnp.tile(jnp.array([[2, 5, 6, 1, 1]], jnp.int32), (MANY, 1))
    tokens = SAMPLE_GIVEN(rows, prefix, jnp.tile(given, (MANY, 1))).tokens
    np.testing.assert_array_equal(tokens[:, given], prefix[:, given])
    rest = excess(tokens)[:, ~given]
    np.testing.assert_allclose(rest.mean(0), 0, atol=0.04)
    # The tokens after it depend on the given token.
    unlike = excess(tokens.at[:, 2].set(0))
    self.assertGreater(np.abs(unlike[:, 3].mean(0)).max(), 0.04)

  def test_mask_may_differ_between_rows(self):
    given = jnp.array([[1, 1, 0, 0, 0], [0] * 5, [1] * 5, [0, 0, 1, 0, 0]]) > 0
    got = SAMPLE_GIVEN(ROWS, TOKENS, given)
    free = SAMPLE(ROWS)
    np.testing.assert_array_equal(got.tokens[given], TOKENS[given])
    np.testing.assert_array_equal(got.tokens[1], free.tokens[1])
    np.testing.assert_array_equal(got.tokens[3, :2], free.tokens[3, :2])
    np.testing.assert_array_equal(got.tokens[2], TOKENS[2])
    np.testing.assert_allclose(
      READOUT(got.hidden), FORCE(got.tokens), rtol=1e-4, atol=1e-5
    )


class RelaxTest(chex.TestCase):
  def test_tokens_match_the_sample(self):
    want = SAMPLE(ROWS)
    got = RELAX(beta=BETA)
    np.testing.assert_array_equal(got.tokens, want.tokens)
    np.testing.assert_allclose(got.hidden, want.hidden, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got.rows.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(np.argmax(got.rows, -1), want.tokens)
    chex.assert_shape(got.rows, (B, T, V))

  @parameterized.parameters(0.7, 20.0)
  def test_beta_does_not_change_the_tokens(self, beta):
    got, want = RELAX(beta=beta), RELAX(beta=BETA)
    np.testing.assert_array_equal(got.tokens, want.tokens)
    self.assertGreater(np.abs(got.rows - want.rows).max(), 0.05)

  def test_rows_rebuilt_from_hidden_and_noise(self):
    drawn = RELAX(beta=BETA)
    noise = jax.jit(lambda rows: decode.noise(rows, T, V))(ROWS)
    chex.assert_shape(noise, (B, T, V))
    got = gumbel_softmax(READOUT(drawn.hidden), noise, BETA)
    np.testing.assert_allclose(got, drawn.rows, rtol=1e-4, atol=1e-6)
    again = np.argmax(READOUT(drawn.hidden) + noise, -1)
    np.testing.assert_array_equal(again, drawn.tokens)

  def test_hard_rows_are_one_hot(self):
    got = jax.jit(lambda: relax(hard=True))()
    np.testing.assert_array_equal(got.rows, np.eye(V)[got.tokens])
    np.testing.assert_array_equal(got.tokens, SAMPLE(ROWS).tokens)

  @parameterized.parameters(False, True)
  def test_routes_agree(self, hard):
    scan, replay = (
      value_and_grad(hard=hard, route=route)(PARAMS, TABLE)
      for route in ('scan', 'replay')
    )
    chex.assert_trees_all_close(scan, replay, rtol=1e-3, atol=1e-4)
    for leaf in jax.tree.leaves(scan[1]):
      self.assertGreater(np.abs(leaf).max(), 0.01)

  @parameterized.parameters('hard', 'soft')
  def test_gradient_matches_finite_differences(self, feedback):
    settings = {'feedback': 'soft'} if feedback == 'soft' else {}
    f = value_and_grad(hard=False, route='scan', **settings)
    rng = np.random.RandomState(5)
    way = jax.tree.map(lambda x: jnp.asarray(rng.randn(*x.shape)), PARAMS)
    (_, (tokens, *_)), (grads, _) = f(PARAMS, TABLE)
    want = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, grads, way)))
    ends = []
    for eps in (-1e-3, 1e-3):
      moved = jax.tree.map(lambda x, d, e=eps: x + e * d, PARAMS, way)
      (value, (same, *_)), _ = f(moved, TABLE)
      np.testing.assert_array_equal(same, tokens)  # required for a derivative
      ends.append(float(value))
    np.testing.assert_allclose(
      (ends[1] - ends[0]) / 2e-3, want, rtol=1e-2, atol=1e-2
    )

  def test_contraction_commutes_with_the_scan(self):
    within, after = (
      value_and_grad(**settings, hard=False, route='scan')(PARAMS, TABLE)
      for settings in ({}, {'after': True})
    )
    chex.assert_trees_all_close(within, after, rtol=1e-3, atol=1e-4)

  def test_soft_feedback(self):
    hard = RELAX(beta=BETA)
    soft = jax.jit(lambda: relax(feedback='soft'))()
    np.testing.assert_allclose(soft.rows[:, 0], hard.rows[:, 0], rtol=1e-5)
    gaps = np.abs(soft.rows - hard.rows).max((0, 2))
    self.assertTrue((gaps[1:] > 1e-2).all())
    chex.assert_shape(soft.rows, (B, T, V))
    # The second step reads the first row.
    first = jnp.pad(soft.rows[:, :1], ((0, 0), (0, 0), (0, 2)))
    start = jax.nn.one_hot(jnp.full(B, MODEL.start), V + 2)
    hidden = feed(start, jnp.tile(first, (1, T, 1)))
    np.testing.assert_allclose(
      soft.hidden[:, 1], hidden[:, 1], rtol=1e-4, atol=1e-6
    )
    # With nearly one-hot rows, soft and hard feedback are equal.
    sharp = jax.jit(lambda: relax(beta=1e6, feedback='soft'))()
    np.testing.assert_array_equal(sharp.tokens, hard.tokens)

  def test_soft_feedback_of_hard_rows(self):
    """The text equals that of hard feedback, but the gradient differs."""
    hard, soft = (
      value_and_grad(hard=True, route='scan', **settings)(PARAMS, TABLE)
      for settings in ({}, {'feedback': 'soft'})
    )
    chex.assert_trees_all_close(hard[0], soft[0], rtol=1e-4, atol=1e-5)
    # Only fed rows have gradients for embeddings of words not sampled.
    gap = np.abs(hard[1][0]['embed'] - soft[1][0]['embed'])
    self.assertGreater(gap.max(), 0.01)

  def test_replay_rejects_soft_feedback(self):
    with self.assertRaisesRegex(ValueError, "feedback='hard'"):
      relax(route='replay', feedback='soft')


class GreedyTest(chex.TestCase):
  def test_rows_without_noise_are_a_soft_argmax(self):
    drawn = RELAX_GREEDY(PARAMS)
    logits = READOUT(drawn.hidden)
    np.testing.assert_array_equal(drawn.tokens, logits.argmax(-1))
    np.testing.assert_allclose(
      drawn.rows, jax.nn.softmax(BETA * logits), rtol=1e-4, atol=1e-6
    )
    # Without Gumbel and latent noise all rows are equal.
    self.assertEqual(len({tuple(row) for row in drawn.tokens.tolist()}), 1)

  @parameterized.parameters('scan', 'replay')
  def test_truncated_samples_use_the_most_likely_words(self, route):
    def cut(logits):
      return truncate(logits, top_k=2)

    drawn = jax.jit(lambda p: relax(p, truncate=cut, route=route))(PARAMS)
    logits = np.asarray(READOUT(drawn.hidden))
    rank = (logits > np.take_along_axis(
      logits, np.asarray(drawn.tokens)[..., None], -1
    )).sum(-1)  # fmt: skip
    self.assertLess(rank.max(), 2)
    self.assertEqual(int((np.asarray(drawn.rows) > 0).sum(-1).max()), 2)
    free = np.asarray(RELAX(PARAMS).tokens)
    self.assertTrue((np.asarray(drawn.tokens) != free).any())


RELAX_GREEDY = jax.jit(functools.partial(relax, stochastic=False))
NOISY_START = recurrent(
  gated.gru(width=4, init=INIT), vocab_size=V, embed_dim=3, init=INIT, latent=2
)


class LatentTest(chex.TestCase):
  def test_latent_noise_comes_from_the_row_key(self):
    params = noisy(NOISY_START)

    def run(rows, **settings):
      return decode.sample(NOISY_START, params, rows, length=T, **settings)

    whole, part = run(ROWS), run(ROWS[1:3])
    np.testing.assert_array_equal(whole.tokens[1:3], part.tokens)
    given = run(ROWS, context=NOISY_START.latent(ROWS))
    np.testing.assert_array_equal(whole.tokens, given.tokens)
    other = run(ROWS, context=NOISY_START.latent(OTHER_ROWS))
    self.assertGreater(abs(whole.hidden[:, 0] - other.hidden[:, 0]).max(), 0.01)

  def test_marginal_likelihood_averages_over_the_noise(self):
    """Compares with the definition per sentence, in double precision."""
    params, draws, heat = noisy(NOISY_START), 3, 0.7
    tokens = TOKENS.at[0, 1].set(V + 1)  # an unknown word
    found = decode.marginal(NOISY_START, params, tokens, heat, draws=draws)
    key = jax.random.fold_in(jax.random.key(0), 2**31 - 1)
    latents = NOISY_START.latent(random.row_keys(key, draws))
    each = []
    for z in latents:
      context = jnp.broadcast_to(z, (B, 2))
      logits = decode.teacher_force(
        NOISY_START, params, tokens, context=context
      )
      each.append(np.asarray(logits, np.float64) / heat)
    p = [np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in each]
    for row in range(B):
      before = np.ones(draws)  # p(x_<t | z_k)
      for t in range(T):
        joint = sum(b * q[row, t] for b, q in zip(before, p))
        expected = np.log(joint / before.sum())
        np.testing.assert_allclose(found[row, t], expected, atol=1e-4)
        word = int(tokens[row, t])
        if word < V:
          before = np.array([b * q[row, t, word] for b, q in zip(before, p)])

  def test_likelihood_of_samples_lies_between_bounds(self):
    """Too low without the samples' own noise, too high with it."""
    params = jax.tree.map(lambda x: 4 * x, noisy(NOISY_START))
    rows = random.row_keys(jax.random.key(5), 400)
    tokens = decode.sample(NOISY_START, params, rows, length=T).tokens

    @functools.partial(jax.jit, static_argnums=0)
    def terms(draws, own):
      logits = decode.marginal(
        NOISY_START, params, tokens, draws=draws, own=own
      )
      return jnp.take_along_axis(logits, tokens[..., None], -1).sum((1, 2))

    low, high = terms(3, None), terms(3, rows)
    near = (terms(200, None) + terms(200, rows)) / 2
    for gap in (near - low, high - near):
      self.assertGreater(gap.mean(), 5 * gap.std() / 400**0.5)
    closer = terms(30, rows)
    self.assertLess(abs(closer - near).mean(), abs(high - near).mean() / 2)
