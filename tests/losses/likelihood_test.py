"""Tests the negative log-likelihood against a loop over positions."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from jax.test_util import check_grads

from moegan_jax.losses.likelihood import negative_log_likelihood

RNG = np.random.RandomState(0)
LOGITS = RNG.randn(4, 5, 7).astype(np.float32)
TOKENS = RNG.randint(7, size=(4, 5)).astype(np.int32)


class LikelihoodTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_matches_a_loop(self):
    got = self.variant(negative_log_likelihood)(LOGITS, jnp.asarray(TOKENS))
    want = oracles.negative_log_likelihood(LOGITS, TOKENS)
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_equal_logits_give_log_v(self):
    got = negative_log_likelihood(jnp.zeros((4, 5, 7)), jnp.asarray(TOKENS))
    np.testing.assert_allclose(got, np.log(7), rtol=1e-6)

  def test_padding_counts(self):
    padded = np.where(np.arange(5) < 3, TOKENS, 0)
    grad = jax.jit(jax.grad(negative_log_likelihood))(LOGITS, padded)
    self.assertTrue((np.abs(grad)[:, 3:, 0] > 0).all())

  def test_ignores_a_huge_constant_per_row(self):
    tokens = jnp.asarray(TOKENS)
    got = negative_log_likelihood(LOGITS + 1024, tokens)
    want = negative_log_likelihood(LOGITS, tokens)
    np.testing.assert_allclose(got, want, atol=1e-3)

  def test_gradient(self):
    check_grads(
      jax.jit(lambda x: negative_log_likelihood(x, jnp.asarray(TOKENS))),
      (LOGITS,),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_id_beyond_the_vocabulary_gives_nan(self):
    got = negative_log_likelihood(LOGITS, jnp.full((4, 5), 7))
    self.assertTrue(np.isnan(got))

  def test_shapes_and_types(self):
    with self.assertRaises(AssertionError):
      negative_log_likelihood(LOGITS, TOKENS[:, :4])
    with self.assertRaises(AssertionError):
      negative_log_likelihood(LOGITS, TOKENS.astype(np.float32))
