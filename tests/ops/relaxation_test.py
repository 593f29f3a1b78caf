"""Tests sampling, relaxed rows and truncation: values and gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from moegan_jax.errors import UserError
from moegan_jax.ops import random, relaxation

RNG = np.random.RandomState(0)
LOGITS = RNG.randn(4, 7).astype(np.float32)
NOISE = RNG.gumbel(size=(4, 7)).astype(np.float32)


def softmax(x):
  e = np.exp(np.asarray(x, np.float64))
  return e / e.sum(-1, keepdims=True)


class FirstArgmaxTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters((7,), (4, 7), (2, 3, 7), (4, 1))
  def test_matches_argmax(self, *shape):
    x = np.random.RandomState(1).randn(*shape).astype(np.float32)
    got = self.variant(relaxation.first_argmax)(x)
    np.testing.assert_array_equal(got, np.argmax(x, -1))
    self.assertEqual(got.dtype, jnp.int32)

  @chex.variants(with_jit=True, without_jit=True)
  def test_ties_go_to_the_first(self):
    # Three values in seven places give a tie in nearly every row.
    x = np.random.RandomState(2).randint(3, size=(50, 7)).astype(np.float32)
    got = self.variant(relaxation.first_argmax)(x)
    want = [list(row).index(max(row)) for row in x]
    np.testing.assert_array_equal(got, want)

  def test_infinities(self):
    inf = np.inf
    x = np.array([[-inf, 1, -inf], [0, inf, inf], [-inf] * 3], np.float32)
    np.testing.assert_array_equal(relaxation.first_argmax(x), [1, 1, 0])


class GumbelMaxTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_takes_the_largest_noisy_logit(self):
    got = self.variant(relaxation.gumbel_max)(LOGITS, NOISE)
    np.testing.assert_array_equal(got, np.argmax(LOGITS + NOISE, -1))

  def test_frequencies_match_softmax(self):
    n = 40_000
    logits = jnp.tile(LOGITS[:1], (n, 1))
    noise = jax.random.gumbel(jax.random.key(0), (n, 7))
    tokens = np.asarray(jax.jit(relaxation.gumbel_max)(logits, noise))
    got = np.bincount(tokens, minlength=7) / n
    # Four standard errors of a share are at most .01.
    np.testing.assert_allclose(got, softmax(LOGITS[0]), atol=0.01)


class InverseCdfTest(chex.TestCase):
  @parameterized.parameters(1, 2, 3, 5, 17, 64, 101)
  def test_matches_a_loop(self, vocab):
    rng = np.random.RandomState(vocab)
    logits = (3 * rng.randn(4, 50, vocab)).astype(np.float32)
    u = rng.rand(4, 50).astype(np.float32)
    got = jax.jit(relaxation.inverse_cdf)(logits, u)
    self.assertEqual(got.dtype, jnp.int32)
    shares = np.cumsum(softmax(logits.astype(np.float64)), -1)
    want = [
      next(i for i, share in enumerate(row) if share > own or i == vocab - 1)
      for row, own in zip(
        shares.reshape(-1, vocab), u.reshape(-1).tolist(), strict=True
      )
    ]
    np.testing.assert_array_equal(got.reshape(-1), want)

  def test_frequencies_match_softmax(self):
    count, vocab = 100_000, 30
    logits = np.random.RandomState(0).randn(vocab).astype(np.float32)
    u = random.row_uniform(random.row_keys(jax.random.key(0), count), 3)
    tokens = jax.jit(relaxation.inverse_cdf)(np.tile(logits, (count, 1)), u)
    p = softmax(logits)
    got = np.bincount(tokens, minlength=vocab) / count
    errors = np.sqrt(p * (1 - p) / count)
    self.assertLess(np.abs((got - p) / errors).max(), 4)

  @parameterized.parameters(0.0, 0.5, 1 - 2.0**-23)
  def test_excluded_words_are_not_drawn(self, u):
    """Also not where rounding lets the target reach the sum."""
    logits = np.full((300, 300), -1e9, np.float32)
    allowed = np.random.RandomState(0).randint(0, 300, (300, 3))
    np.put_along_axis(logits, allowed, 1.0, axis=1)
    tokens = relaxation.inverse_cdf(logits, jnp.full(300, u))
    self.assertTrue((allowed == np.asarray(tokens)[:, None]).any(1).all())
    extreme = {0.0: allowed.min(1), 1 - 2.0**-23: allowed.max(1)}
    if u in extreme:
      np.testing.assert_array_equal(tokens, extreme[u])


class GumbelSoftmaxTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.5, 1.0, 4.0)
  def test_matches_the_formula(self, beta):
    got = self.variant(relaxation.gumbel_softmax)(LOGITS, NOISE, beta)
    want = softmax(beta * (np.float64(LOGITS) + NOISE))
    np.testing.assert_allclose(got, want, rtol=1e-5)
    np.testing.assert_allclose(got.sum(-1), 1, rtol=1e-6)

  @parameterized.parameters(1.0, 4.0)
  def test_log_softmax_has_no_effect(self, beta):
    normal = np.log(softmax(LOGITS)).astype(np.float32)
    self.assertGreater(np.abs(normal - LOGITS).min(), 0.1)
    np.testing.assert_allclose(
      relaxation.gumbel_softmax(LOGITS, NOISE, beta),
      relaxation.gumbel_softmax(normal, NOISE, beta),
      rtol=1e-5,
      atol=1e-7,
    )

  def test_hardens_as_beta_grows(self):
    betas = (0.0, 0.1, 1.0, 10.0, 1e3, 1e5)
    rows = [relaxation.gumbel_softmax(LOGITS, NOISE, b) for b in betas]
    np.testing.assert_allclose(rows[0], 1 / 7, rtol=1e-6)
    tops = np.array([row.max(-1) for row in rows])
    self.assertTrue((np.diff(tops[:4], axis=0) > 0).all())
    hard = np.eye(7)[np.argmax(LOGITS + NOISE, -1)]
    np.testing.assert_allclose(rows[-1], hard, atol=1e-6)

  def test_gradient(self):
    check_grads(
      jax.jit(relaxation.gumbel_softmax),
      (LOGITS, NOISE, 1.5),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )


class StraightThroughTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.3, 1.0, 30.0)
  def test_value_is_exactly_one_hot(self, beta):
    def rows(logits):
      return relaxation.straight_through(
        relaxation.gumbel_softmax(logits, NOISE, beta)
      )

    want = np.eye(7)[np.argmax(LOGITS + NOISE, -1)]
    np.testing.assert_array_equal(self.variant(rows)(LOGITS), want)

  def test_gradient_matches_relaxed_rows(self):
    weights = RNG.randn(4, 7).astype(np.float32)

    def value(logits):
      soft = relaxation.gumbel_softmax(logits, NOISE, 2.0)
      return jnp.sum(weights * relaxation.straight_through(soft))

    got = jax.jit(jax.grad(value))(LOGITS)
    p = softmax(2.0 * (np.float64(LOGITS) + NOISE))
    want = 2.0 * p * (weights - (weights * p).sum(-1, keepdims=True))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


class SoftArgmaxTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.5, 1.0, 4.0)
  def test_matches_the_formula(self, beta):
    got = self.variant(relaxation.soft_argmax)(LOGITS, beta)
    want = softmax(beta * np.float64(LOGITS))
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_tends_to_the_argmax(self):
    got = relaxation.soft_argmax(LOGITS, 1e4)
    np.testing.assert_allclose(got, np.eye(7)[LOGITS.argmax(-1)], atol=1e-6)

  def test_gradient(self):
    check_grads(
      jax.jit(relaxation.soft_argmax),
      (LOGITS, 1.5),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )


TRUNCATE = jax.jit(relaxation.truncate, static_argnums=(1, 2))
# A new function, because jit would share the programs of the same function.
TRACED = jax.jit(lambda *args: relaxation.truncate(*args))


def kept(logits, *args):
  """Returns the kept words of each row; their logits must be unchanged."""
  got = np.asarray(TRUNCATE(logits, *args))
  stays = got == logits
  np.testing.assert_array_equal(got[~stays], np.float32(-1e9))
  return [set(np.flatnonzero(row)) for row in stays]


class TruncateTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.product(top_k=[0, 1, 3, 7], top_p=[0.3, 0.7, 0.95, 1.0])
  def test_matches_a_loop(self, top_k, top_p):
    truncate = self.variant(
      lambda x: relaxation.truncate(x, top_k=top_k, top_p=top_p)
    )
    got = truncate(LOGITS) > -1e8
    for row, stays in zip(LOGITS, got):
      want = oracles.kept_words(row, top_k, top_p)
      self.assertEqual(set(np.flatnonzero(stays)), want)

  @parameterized.product(top_k=[0, 1, 3, 7, 9], top_p=[0.3, 0.95, 1.0])
  def test_traced_settings(self, top_k, top_p):
    """One program serves all settings and matches constant settings."""
    got = TRACED(LOGITS, top_k, top_p)
    np.testing.assert_array_equal(got, TRUNCATE(LOGITS, top_k, top_p))
    self.assertEqual(TRACED._cache_size(), 1)

  @settings(deadline=None, max_examples=40)
  @given(
    st.lists(st.integers(-3, 3), min_size=6, max_size=6),
    st.sampled_from([0, 1, 2, 4, 6, 9]),
    st.sampled_from([0.237, 0.513, 0.871, 1.0]),
  )
  def test_with_ties(self, logits, top_k, top_p):
    row = np.float32(logits)
    want = oracles.kept_words(row, top_k, top_p)
    self.assertEqual(kept(row[None], top_k, top_p), [want])

  @parameterized.parameters((0, 1.0), (7, 1.0), (8, 1.0))
  def test_keeps_all(self, top_k, top_p):
    # The float32 probabilities of this row reach one before its end.
    spread = np.float32([[0, -30, -60, -90, -120, -5, -6]])
    for logits in (LOGITS, spread):
      got = TRUNCATE(logits, top_k, top_p)
      np.testing.assert_array_equal(got, logits)

  def test_tie_keeps_the_first_k(self):
    logits = np.float32([[1, 2, 1, 1, 0], [0, 0, 0, 0, 0]])
    self.assertEqual(kept(logits, 3), [{0, 1, 2}, {0, 1, 2}])

  def test_probability_reached_exactly(self):
    """Quarters are exact, so half the probability takes only two words."""
    logits = np.zeros((1, 4), np.float32)
    self.assertEqual(kept(logits, 0, 0.5), [{0, 1}])
    self.assertEqual(kept(logits, 0, 0.51), [{0, 1, 2}])

  def test_keeps_at_least_one_word(self):
    for top_k, top_p in ((1, 1.0), (0, 1e-6), (5, 1e-6)):
      want = [{i} for i in LOGITS.argmax(-1)]
      self.assertEqual(kept(LOGITS, top_k, top_p), want)

  def test_nucleus_within_top_k(self):
    """Within the first two of .4 .3 .2 .1 the probabilities are .57 and .43."""
    logits = np.log(np.float32([[0.4, 0.3, 0.2, 0.1]]))
    self.assertEqual(kept(logits, 0, 0.5), [{0, 1}])
    self.assertEqual(kept(logits, 2, 0.5), [{0}])

  def test_leading_axes(self):
    x = np.random.RandomState(3).randn(2, 3, 7).astype(np.float32)
    got = TRUNCATE(x, 3, 0.8)
    np.testing.assert_array_equal(
      got.reshape(6, 7), TRUNCATE(x.reshape(6, 7), 3, 0.8)
    )
    np.testing.assert_array_equal(
      got, jax.vmap(lambda y: relaxation.truncate(y, 3, 0.8))(x)
    )
    np.testing.assert_array_equal(got[1, 2], TRUNCATE(x[1, 2], 3, 0.8))

  def test_never_samples_excluded_words(self):
    noise = np.random.RandomState(4).gumbel(size=(500, 7)).astype(np.float32)
    logits = np.repeat(LOGITS[:1], 500, axis=0)
    tokens = relaxation.gumbel_max(TRUNCATE(logits, 2, 1.0), noise)
    self.assertEqual(set(np.asarray(tokens)), kept(LOGITS[:1], 2)[0])

  @parameterized.parameters((2, 1.0), (0, 0.6), (3, 0.8))
  def test_gradient(self, top_k, top_p):
    words = kept(LOGITS, top_k, top_p)
    want = np.array([[v in row for v in range(7)] for row in words])
    got = jax.grad(lambda x: TRUNCATE(x, top_k, top_p).sum())(LOGITS)
    np.testing.assert_array_equal(got, want)

    # The same through a straight-through relaxation of the noisy logits.
    def rows(x):
      return relaxation.gumbel_softmax(TRUNCATE(x, top_k, top_p), NOISE, 1e3)

    grad = jax.grad(lambda x: jnp.sum(rows(x) * NOISE))(LOGITS)
    chex.assert_tree_all_finite(grad)
    np.testing.assert_array_equal(grad[~want], 0)

  def test_bad_settings(self):
    with self.assertRaisesRegex(UserError, 'top_k=-1'):
      relaxation.truncate(LOGITS, -1)
    for top_p in (0, 1.5, -0.1, float('nan')):
      with self.assertRaisesRegex(UserError, 'top_p='):
        relaxation.truncate(LOGITS, 0, top_p)
