"""Tests the rank scores and the ranker's loss against loops."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.errors import UserError
from moegan_jax.losses.ranking import rank_log_odds, rank_scores, ranker_loss
from moegan_jax.ops.distances import cosines

N, U, C, F = 5, 3, 4, 6
RNG = np.random.RandomState(0)
X, REFERENCES, REAL, FAKE = (
  RNG.randn(n, F).astype(np.float32) for n in (N, U, C, C)
)
IS_REAL = np.array([True, False, True, True, False])


def cosine(a, b):
  return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def naive_score(s, references, comparisons, gamma):
  """Returns R(s | U, C) from the definition."""
  total = 0.0
  for u in references:
    own = math.exp(gamma * cosine(s, u))
    others = sum(math.exp(gamma * cosine(c, u)) for c in comparisons)
    total += own / (own + others)
  return total / len(references)


class RankingTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_cosines(self):
    got = self.variant(cosines)(X, REFERENCES)
    want = [[cosine(x, u) for u in REFERENCES] for x in X]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)

  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.0, 0.5, 1.0, 13.0)
  def test_scores_equal_the_definition(self, gamma):
    score = lambda *x: rank_scores(rank_log_odds(*x))  # noqa: E731
    got = self.variant(score)(X, REFERENCES, REAL, gamma)
    want = [naive_score(x, REFERENCES, REAL, gamma) for x in X]
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_texts_without_a_difference_have_equal_shares(self):
    same = jnp.broadcast_to(X[0], (C, F))
    got = rank_scores(rank_log_odds(X[:1], REFERENCES, same, 7.0))
    np.testing.assert_allclose(got, [1 / (C + 1)], rtol=1e-6)

  def test_scores_of_a_text_do_not_depend_on_the_other_texts(self):
    whole = rank_log_odds(X, REFERENCES, REAL, 2.0)
    alone = rank_log_odds(X[2:3], REFERENCES, REAL, 2.0)
    np.testing.assert_allclose(whole[2:3], alone, rtol=1e-6)

  def test_log_odds_have_the_stated_bounds(self):
    gamma, ones = 3.0, jnp.ones((1, F))
    for sign in (1, -1):
      got = rank_log_odds(sign * ones, ones, -sign * ones, gamma)
      np.testing.assert_allclose(got, 2 * sign * gamma, rtol=1e-5)

  @parameterized.parameters('log', 'minimax')
  def test_loss_equals_the_loop(self, form):
    gamma, total = 2.0, 0.0
    for x, real in zip(X, IS_REAL, strict=True):
      r = naive_score(x, REFERENCES, FAKE if real else REAL, gamma)
      if real:
        total -= math.log(r)
      else:
        total += math.log(r) if form == 'log' else -math.log(1 - r)
    odds = [rank_log_odds(X, REFERENCES, c, gamma) for c in (FAKE, REAL)]
    got = jax.jit(ranker_loss, static_argnums=3)(*odds, IS_REAL, form)
    np.testing.assert_allclose(got, total / N, rtol=1e-5)

  @parameterized.parameters('log', 'minimax')
  def test_gradients_are_finite_at_large_gamma_and_at_zero_features(self, form):
    def loss(x, gamma):
      odds = [rank_log_odds(x, x[:U], c, gamma) for c in (FAKE, REAL)]
      return ranker_loss(*odds, IS_REAL, form)

    check_grads(lambda x: loss(x, 2.0), (X,), 1, atol=1e-2, rtol=1e-2)
    for x in (X, 0 * X):
      grads = jax.grad(loss)(jnp.asarray(x), 1000.0)
      self.assertTrue(np.isfinite(grads).all())

  @parameterized.parameters('log', 'minimax')
  def test_a_step_raises_real_text_and_lowers_samples(self, form):
    def loss(x):
      odds = [rank_log_odds(x, REFERENCES, c, 2.0) for c in (FAKE, REAL)]
      return ranker_loss(*odds, IS_REAL, form)

    x = jnp.asarray(X)
    moved = x - 0.01 * jax.grad(loss)(x)
    for before, after, comparisons in ((x, moved, FAKE), (x, moved, REAL)):
      change = rank_scores(
        rank_log_odds(after, REFERENCES, comparisons, 2.0)
      ) - rank_scores(rank_log_odds(before, REFERENCES, comparisons, 2.0))
      self.assertTrue((np.asarray(change)[IS_REAL] > 0).all())
      self.assertTrue((np.asarray(change)[~IS_REAL] < 0).all())


def test_unknown_form_is_named():
  odds = jnp.zeros((N, U))
  with pytest.raises(UserError, match=r"rank\.form='logs'.*mean 'log'"):
    ranker_loss(odds, odds, IS_REAL, 'logs')
