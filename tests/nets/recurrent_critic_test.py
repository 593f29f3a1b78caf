"""Tests the recurrent discriminator against loops, and its dropout."""

import math

import chex
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets import cells, gated
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent_critic import position_waves, recurrent_critic
from moegan_jax.ops import random

B, T, V, E, H = 4, 5, 7, 3, 4
INIT = initializers('seqgan')
LSTM = gated.lstm(width=H, init=INIT)
RNG = np.random.RandomState(0)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
EMBEDDED = jnp.asarray(RNG.randn(B, T, E), jnp.float32)


def small(**settings):
  return recurrent_critic(
    **{
      'vocab_size': V,
      'length': T,
      'embed_dim': E,
      'cell': LSTM,
      'per_token': False,
      'dropout': 0.25,
      'init': INIT,
    }
    | settings
  )


def noisy(model, seed=1):
  rng = np.random.RandomState(seed)
  return jax.tree.map(
    lambda x: jnp.asarray(rng.randn(*x.shape), x.dtype),
    jax.eval_shape(model.init, jax.random.key(0)),
  )


def naive(params):
  """Returns outputs [B, T, H] and their logits [B, T], step by step."""
  p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
  h = c = np.zeros((B, H))
  outputs, logits = [], []
  for t in range(T):
    x = np.asarray(EMBEDDED[:, t], np.float64)
    u = x @ p['input']['kernel'] + p['input']['bias']
    h, c = network_oracles.lstm(p['core'], h, c, u)
    outputs.append(h)
    logits.append(h @ p['logit']['kernel'][:, 0] + p['logit']['bias'][0])
  return np.stack(outputs, 1), np.stack(logits, 1)


class RecurrentCriticTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(False, True)
  def test_matches_the_loops(self, per_token):
    model = small(per_token=per_token)
    params = noisy(model)
    got = self.variant(lambda p, x: model.judge(p, x, None))(params, EMBEDDED)
    outputs, logits = naive(params)
    if per_token:
      features = outputs.mean(1, keepdims=True)
    else:
      features, logits = outputs[:, -1:], logits[:, -1]
    chex.assert_shape(got.logits, (B, T) if per_token else (B,))
    chex.assert_shape(got.features, (B, 1, H))
    np.testing.assert_allclose(got.logits, logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.features, features, rtol=1e-4, atol=1e-5)

  def test_prefix_logits_are_causal(self):
    model = small(per_token=True)
    params = noisy(model)
    judge = jax.jit(lambda x: model.judge(params, x, None).logits)
    for t in range(T):
      moved = judge(EMBEDDED.at[:, t].add(1.0)) - judge(EMBEDDED)
      np.testing.assert_array_equal(moved[:, :t], 0)
      self.assertTrue((np.abs(moved[:, t]) > 1e-4).any())

  def test_tokens_equal_one_hot_rows(self):
    model = small()
    params = noisy(model)
    got = model.embed(params, TOKENS)
    want = [[params['embed'][i] for i in row] for row in np.asarray(TOKENS)]
    np.testing.assert_array_equal(got, want)
    np.testing.assert_allclose(
      got, model.embed(params, jax.nn.one_hot(TOKENS, V)), rtol=1e-6
    )

  def test_gram_matches_the_embedding(self):
    model = small()
    params = noisy(model)
    table = np.asarray(params['embed'], np.float64)
    want = [[a @ b for b in table.T] for a in table.T]
    np.testing.assert_allclose(model.gram(params), want, rtol=1e-5, atol=1e-5)

  @parameterized.parameters('gru', 'rmc')
  def test_accepts_any_cell(self, name):
    cell = {
      'gru': gated.gru(width=H, init=INIT),
      'rmc': cells.relational_memory(slots=2, head_size=2, init=INIT),
    }[name]
    model = small(cell=cell, per_token=True)
    shapes = jax.eval_shape(
      lambda key, x: model.judge(model.init(key), x, None),
      jax.random.key(0),
      EMBEDDED,
    )
    self.assertEqual(shapes.logits.shape, (B, T))
    self.assertEqual(shapes.features.shape, (B, 1, cell.width))

  def test_parameter_count(self):
    params = jax.eval_shape(small().init, jax.random.key(0))
    self.assertEqual(
      sum(x.size for x in jax.tree.leaves(params)),
      V * E + 4 * (E * H + H * H + H) + H + 1,
    )

  @parameterized.parameters(False, True)
  def test_dropout_needs_a_key(self, per_token):
    model = small(dropout=0.5, per_token=per_token)
    params = noisy(model)
    judge = jax.jit(model.judge)
    sure = small(dropout=0.0, per_token=per_token)
    plain = judge(params, EMBEDDED, None)
    chex.assert_trees_all_equal(plain, jax.jit(sure.judge)(params, EMBEDDED))
    one, again, two = (
      judge(params, EMBEDDED, jax.random.key(i)) for i in (0, 0, 1)
    )
    chex.assert_trees_all_equal(one, again)
    for other in (two, plain):
      self.assertGreater(np.abs(one.logits - other.logits).max(), 0.1)

  def test_dropout_drops_its_share_of_the_outputs(self):
    model = small(cell=gated.lstm(width=100, init=INIT), dropout=0.25)
    params = noisy(model)
    judge = jax.jit(lambda key: model.judge(params, EMBEDDED, key))
    plain, dropped = judge(None), judge(jax.random.key(0))
    ratio = dropped.features / plain.features
    kept = ratio > 0.5
    np.testing.assert_allclose(ratio[kept], 1 / 0.75, rtol=1e-4)
    np.testing.assert_array_equal(ratio[~kept], 0)
    # The tolerance is four standard errors of 400 draws.
    np.testing.assert_allclose(1 - kept.mean(), 0.25, atol=0.09)
    # The logit reads the outputs after dropout.
    want = dropped.features[:, 0] @ params['logit']['kernel'][:, 0]
    np.testing.assert_allclose(
      dropped.logits, want + params['logit']['bias'], rtol=1e-4, atol=1e-4
    )

  @parameterized.parameters(
    ({'embed_dim': 0}, 'embed=0'),
    ({'length': 0}, 'length=0'),
    ({'dropout': 1.0}, 'dropout=1.0'),
    ({'dropout': -0.1}, 'dropout=-0.1'),
  )
  def test_rejects_bad_settings(self, settings, message):
    with self.assertRaisesRegex(UserError, message):
      small(**settings)

  def test_rejects_other_lengths(self):
    model = small()
    with self.assertRaises(AssertionError):
      model.judge(noisy(model), EMBEDDED[:, 1:], None)

  def test_position_waves_equal_the_loops(self):
    got = position_waves(20, 8)
    self.assertEqual(got.shape, (20, 8))
    for p in range(8):
      period = math.exp(math.log(2) + p / 7 * (math.log(20) - math.log(2)))
      for t in range(20):
        want = math.cos(math.pi * (t / period + 2 * p / 7))
        np.testing.assert_allclose(got[t, p], want, atol=1e-5)

  def test_positions_are_further_inputs(self):
    model = small(positions=2, per_token=True)
    params = noisy(model)
    self.assertEqual(params['input']['kernel'].shape, (E + 2, 4 * H))
    got = model.judge(params, EMBEDDED, None).logits
    waves = np.broadcast_to(position_waves(T, 2), (B, T, 2))
    x = jnp.concatenate([EMBEDDED, waves], axis=-1)
    wide = small(embed_dim=E + 2, per_token=True)
    want = wide.judge(params, x, None).logits
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)

  def test_input_dropout_drops_its_share_of_the_embedding(self):
    model = small(dropout=0.0, input_dropout=0.5, per_token=True, positions=2)
    params = noisy(model)
    plain = model.judge(params, EMBEDDED, None).logits
    key = jax.random.key(0)
    judged = model.judge(params, EMBEDDED, key).logits
    mask = random.dropout(EMBEDDED, jax.random.fold_in(key, 1), 0.5)
    want = model.judge(params, mask, None).logits
    np.testing.assert_allclose(judged, want, rtol=1e-5, atol=1e-6)
    self.assertTrue((np.abs(judged - plain) > 1e-3).any())
