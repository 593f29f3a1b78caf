"""From logits to tokens: ties, frequencies, relaxed rows, their gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.ops import relaxation

RNG = np.random.RandomState(0)
LOGITS = RNG.randn(4, 7).astype(np.float32)
NOISE = RNG.gumbel(size=(4, 7)).astype(np.float32)


def softmax(x):
  e = np.exp(np.asarray(x, np.float64))
  return e / e.sum(-1, keepdims=True)


class FirstArgmaxTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters((7,), (4, 7), (2, 3, 7), (4, 1))
  def test_is_argmax(self, *shape):
    x = np.random.RandomState(1).randn(*shape).astype(np.float32)
    got = self.variant(relaxation.first_argmax)(x)
    np.testing.assert_array_equal(got, np.argmax(x, -1))
    self.assertEqual(got.dtype, jnp.int32)

  @chex.variants(with_jit=True, without_jit=True)
  def test_ties_go_to_the_first(self):
    # Three values over seven places: a tie in nearly every row.
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
  def test_is_the_largest_noisy_logit(self):
    got = self.variant(relaxation.gumbel_max)(LOGITS, NOISE)
    np.testing.assert_array_equal(got, np.argmax(LOGITS + NOISE, -1))

  def test_frequencies_are_the_softmax(self):
    n = 40_000
    logits = jnp.tile(LOGITS[:1], (n, 1))
    noise = jax.random.gumbel(jax.random.key(0), (n, 7))
    tokens = np.asarray(jax.jit(relaxation.gumbel_max)(logits, noise))
    got = np.bincount(tokens, minlength=7) / n
    # Four standard errors of a share are at most .01.
    np.testing.assert_allclose(got, softmax(LOGITS[0]), atol=0.01)


class GumbelSoftmaxTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.5, 1.0, 4.0)
  def test_matches_the_formula(self, beta):
    got = self.variant(relaxation.gumbel_softmax)(LOGITS, NOISE, beta)
    want = softmax(beta * (np.float64(LOGITS) + NOISE))
    np.testing.assert_allclose(got, want, rtol=1e-5)
    np.testing.assert_allclose(got.sum(-1), 1, rtol=1e-6)

  @parameterized.parameters(1.0, 4.0)
  def test_a_log_softmax_changes_nothing(self, beta):
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

  def test_gradient_is_that_of_the_relaxed_rows(self):
    weights = RNG.randn(4, 7).astype(np.float32)

    def value(logits):
      soft = relaxation.gumbel_softmax(logits, NOISE, 2.0)
      return jnp.sum(weights * relaxation.straight_through(soft))

    got = jax.jit(jax.grad(value))(LOGITS)
    p = softmax(2.0 * (np.float64(LOGITS) + NOISE))
    want = 2.0 * p * (weights - (weights * p).sum(-1, keepdims=True))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)
