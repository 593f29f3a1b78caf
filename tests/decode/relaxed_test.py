"""Tests relaxed samples: values and gradients."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from decoding import (
  BETA,
  MODEL,
  PARAMS,
  READOUT,
  RELAX,
  ROWS,
  SAMPLE,
  TABLE,
  B,
  T,
  V,
  feed,
  relax,
  value_and_grad,
)

from moegan_jax import decode
from moegan_jax.ops.relaxation import gumbel_softmax, truncate


class RelaxTest(chex.TestCase):
  def test_tokens_match_the_sample(self):
    want = SAMPLE(ROWS)
    got = RELAX(beta=BETA)
    np.testing.assert_array_equal(got.tokens, want.tokens)
    np.testing.assert_allclose(got.hidden, want.hidden, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got.relaxed.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(np.argmax(got.relaxed, -1), want.tokens)
    chex.assert_shape(got.relaxed, (B, T, V))

  @parameterized.parameters(0.7, 20.0)
  def test_beta_does_not_change_the_tokens(self, beta):
    got, want = RELAX(beta=beta), RELAX(beta=BETA)
    np.testing.assert_array_equal(got.tokens, want.tokens)
    self.assertGreater(np.abs(got.relaxed - want.relaxed).max(), 0.05)

  def test_rows_rebuilt_from_hidden_and_noise(self):
    drawn = RELAX(beta=BETA)
    noise = jax.jit(lambda rows: decode.noise(rows, T, V))(ROWS)
    chex.assert_shape(noise, (B, T, V))
    got = gumbel_softmax(READOUT(drawn.hidden), noise, BETA)
    np.testing.assert_allclose(got, drawn.relaxed, rtol=1e-4, atol=1e-6)
    again = np.argmax(READOUT(drawn.hidden) + noise, -1)
    np.testing.assert_array_equal(again, drawn.tokens)

  def test_hard_rows_are_one_hot(self):
    got = jax.jit(lambda: relax(one_hot=True))()
    np.testing.assert_array_equal(got.relaxed, np.eye(V)[got.tokens])
    np.testing.assert_array_equal(got.tokens, SAMPLE(ROWS).tokens)

  @parameterized.parameters(False, True)
  def test_routes_agree(self, hard):
    scan, after = (
      value_and_grad(one_hot=hard, route=route)(PARAMS, TABLE)
      for route in ('scan', 'after')
    )
    chex.assert_trees_all_close(scan, after, rtol=1e-3, atol=1e-4)
    for leaf in jax.tree.leaves(scan[1]):
      self.assertGreater(np.abs(leaf).max(), 0.01)

  @parameterized.parameters('hard', 'soft')
  def test_gradient_matches_finite_differences(self, feedback):
    settings = {'feedback': 'soft'} if feedback == 'soft' else {}
    f = value_and_grad(one_hot=False, route='scan', **settings)
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
      value_and_grad(**settings, one_hot=False, route='scan')(PARAMS, TABLE)
      for settings in ({}, {'after': True})
    )
    chex.assert_trees_all_close(within, after, rtol=1e-3, atol=1e-4)

  def test_soft_feedback(self):
    hard = RELAX(beta=BETA)
    soft = jax.jit(lambda: relax(feedback='soft'))()
    np.testing.assert_allclose(
      soft.relaxed[:, 0], hard.relaxed[:, 0], rtol=1e-5
    )
    gaps = np.abs(soft.relaxed - hard.relaxed).max((0, 2))
    self.assertTrue((gaps[1:] > 1e-2).all())
    chex.assert_shape(soft.relaxed, (B, T, V))
    # The second step reads the first row.
    first = jnp.pad(soft.relaxed[:, :1], ((0, 0), (0, 0), (0, 2)))
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
      value_and_grad(one_hot=True, route='scan', **settings)(PARAMS, TABLE)
      for settings in ({}, {'feedback': 'soft'})
    )
    chex.assert_trees_all_close(hard[0], soft[0], rtol=1e-4, atol=1e-5)
    # Only fed rows have gradients for embeddings of words not sampled.
    gap = np.abs(hard[1][0]['embed'] - soft[1][0]['embed'])
    self.assertGreater(gap.max(), 0.01)

  def test_after_rejects_soft_feedback(self):
    with self.assertRaisesRegex(ValueError, "feedback='hard'"):
      relax(route='after', feedback='soft')


class GreedyTest(chex.TestCase):
  def test_rows_without_noise_are_a_soft_argmax(self):
    drawn = RELAX_GREEDY(PARAMS)
    logits = READOUT(drawn.hidden)
    np.testing.assert_array_equal(drawn.tokens, logits.argmax(-1))
    np.testing.assert_allclose(
      drawn.relaxed, jax.nn.softmax(BETA * logits), rtol=1e-4, atol=1e-6
    )
    # Without Gumbel and latent noise all rows are equal.
    self.assertEqual(len({tuple(row) for row in drawn.tokens.tolist()}), 1)

  @parameterized.parameters('scan', 'after')
  def test_truncated_samples_use_the_most_likely_words(self, route):
    def cut(logits):
      return truncate(logits, top_k=2)

    drawn = jax.jit(lambda p: relax(p, truncate=cut, route=route))(PARAMS)
    logits = np.asarray(READOUT(drawn.hidden))
    rank = (logits > np.take_along_axis(
      logits, np.asarray(drawn.tokens)[..., None], -1
    )).sum(-1)  # fmt: skip
    self.assertLess(rank.max(), 2)
    self.assertEqual(int((np.asarray(drawn.relaxed) > 0).sum(-1).max()), 2)
    free = np.asarray(RELAX(PARAMS).tokens)
    self.assertTrue((np.asarray(drawn.tokens) != free).any())


RELAX_GREEDY = jax.jit(functools.partial(relax, stochastic=False))
