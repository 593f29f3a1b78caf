"""Tests sampling and teacher forcing."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from decoding import (
  FORCE,
  MODEL,
  MODELS,
  OTHER_ROWS,
  PARAMS,
  READOUT,
  RNG,
  ROWS,
  SAMPLE,
  TOKENS,
  B,
  T,
  V,
  feed,
  noisy,
)

from moegan_jax import decode
from moegan_jax.ops import random
from moegan_jax.types import Generator

MANY = 4000


SAMPLE_GIVEN = jax.jit(
  lambda rows, prefix, given: decode.sample(
    MODEL, PARAMS, rows, length=T, prefix=prefix, given=given
  )
)


def excess(tokens, temperature=1.0):
  """Returns one_hot(token) - p(token | prefix), [n, T, V], whose mean is 0."""
  p = jax.nn.softmax(FORCE(tokens) / temperature)
  return np.asarray(jax.nn.one_hot(tokens, V) - p)


class DecodeTest(chex.TestCase):
  def test_hand_computed_sequences(self):
    """The toy generator adds up its inputs and outputs the sum."""

    def step(params, carry, x):
      carry = carry + x
      return carry, carry[:, None].astype(jnp.float32)

    def readout(params, hidden):
      return 1e3 * jax.nn.one_hot(hidden[..., 0] % V, V)

    model = Generator(
      init=lambda key: (),
      prepare=lambda params: params,
      begin=lambda params, n, context: context,
      embed=lambda params, tokens: tokens,
      step=step,
      readout=readout,
      vocab_size=V,
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

  @parameterized.parameters(*MODELS)
  def test_states_of_given_text_equal_those_of_its_sampling(self, name):
    model = MODELS[name]
    params = noisy(model)

    @jax.jit
    def both(rows):
      drawn = decode.sample(model, params, rows, length=T, states=True)
      given = decode.decode(
        model,
        params,
        lambda hidden, t: (None, hidden),
        n=B,
        length=T,
        given=drawn.tokens,
        states=True,
      )
      return (drawn.hidden, drawn.states), given

    own, given = both(ROWS)
    chex.assert_trees_all_close(own, tuple(given), rtol=1e-5, atol=1e-6)
    # The states depend on the text.
    for x in jax.tree.leaves(given.states):
      self.assertGreater(np.ptp(x[-1], axis=0).max(), 0.01)

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

  def test_given_tokens_require_their_mask(self):
    with self.assertRaisesRegex(ValueError, 'pass both'):
      SAMPLE_GIVEN(ROWS, TOKENS, None)
    with self.assertRaisesRegex(ValueError, 'pass both'):
      SAMPLE_GIVEN(ROWS, None, TOKENS > 0)

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
