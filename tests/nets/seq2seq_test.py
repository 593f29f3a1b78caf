"""Tests the sequence rewriter against NumPy loops, and its receptive field."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.seq2seq import seq2seq

B, T, V, E, H = 4, 5, 7, 3, 4
INIT = initializers('seqgan')
MODEL = seq2seq(vocab_size=V, embed_dim=E, width=H, init=INIT)
REWRITE = jax.jit(MODEL.rewrite)
# Includes the two input-only symbols.
TOKENS = np.random.RandomState(0).randint(V + 2, size=(B, T)).astype(np.int32)


def noisy(seed=1):
  """Returns parameters that are larger than at initialisation."""
  rng = np.random.RandomState(seed)
  return jax.tree.map(
    lambda x: jnp.asarray(0.7 * rng.randn(*x.shape), x.dtype),
    jax.eval_shape(MODEL.init, jax.random.key(0)),
  )


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def naive_gru(p, name, h, word):
  """One step of one sentence; the three gates have separate matrices."""
  u = p['embed'][word] @ p[f'{name}_input']['kernel']
  u = np.split(u + p[f'{name}_input']['bias'], 3)
  w = np.split(p[name]['Dense_0']['kernel'], 3, axis=1)
  reset = sigmoid(u[0] + h @ w[0])
  update = sigmoid(u[1] + h @ w[1])
  new = np.tanh(u[2] + reset * (h @ w[2] + p[name]['candidate_bias']))
  return update * h + (1 - update) * new


def naive(params, tokens):
  """Returns logits, encoder outputs and attention, sentence by sentence."""
  p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
  all_logits, all_encoded, all_weights = [], [], []
  for sentence in tokens:
    h, encoded = np.zeros(H), []
    for word in sentence:
      h = naive_gru(p, 'encoder', h, word)
      encoded.append(h)
    logits, rows = [], []
    for fed in [V, *sentence[:-1]]:
      h = naive_gru(p, 'decoder', h, fed)
      scores = [
        sum(h[i] * p['score'][i, j] * e[j] for i in range(H) for j in range(H))
        for e in encoded
      ]
      weights = [math.exp(s) for s in scores]
      weights = [w / sum(weights) for w in weights]
      context = sum(w * e for w, e in zip(weights, encoded))
      mixed = np.tanh(np.append(context, h) @ p['combine']['kernel'])
      logits.append(mixed @ p['head']['kernel'] + p['head']['bias'])
      rows.append(weights)
    all_logits.append(logits)
    all_encoded.append(encoded)
    all_weights.append(rows)
  return np.array(all_logits), np.array(all_encoded), np.array(all_weights)


def changed_positions(params, t):
  """Returns where the logits change with the word at t, bool [B, T]."""
  other = TOKENS.copy()
  other[:, t] = (other[:, t] + 1) % V
  gap = REWRITE(params, TOKENS).logits - REWRITE(params, other).logits
  return np.abs(gap).max(-1) > 1e-6


class Seq2SeqTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  def test_matches_the_loops(self):
    params = noisy()
    params['score'] *= 6.0
    got = self.variant(MODEL.rewrite)(params, jnp.asarray(TOKENS))
    logits, encoded, weights = naive(params, TOKENS)
    for mine, want in (
      (got.logits, logits),
      (got.encoded, encoded),
      (got.attention, weights),
      (got.features, encoded.mean(1, keepdims=True)),
    ):
      self.assertEqual(mine.shape, want.shape)
      np.testing.assert_allclose(mine, want, rtol=1e-5, atol=1e-5)
    # Uniform weights would hide a wrong score.
    self.assertGreater(np.ptp(weights), 0.3)

  def test_shapes_and_symbols(self):
    got = jax.eval_shape(REWRITE, noisy(), TOKENS)
    self.assertEqual(got.logits.shape, (B, T, V))
    self.assertEqual(got.encoded.shape, (B, T, H))
    self.assertEqual(got.attention.shape, (B, T, T))
    self.assertEqual((MODEL.start, MODEL.unknown), (V, V + 1))

  def test_attention_weights_sum_to_one(self):
    weights = REWRITE(noisy(), TOKENS).attention
    np.testing.assert_allclose(weights.sum(-1), np.ones((B, T)), rtol=1e-6)
    self.assertGreater(weights.min(), 0)

  @parameterized.parameters(*range(T))
  def test_every_position_reads_all_words(self, t):
    self.assertTrue(changed_positions(noisy(), t).all())

  @parameterized.parameters(*range(T))
  def test_decoder_is_causal(self, t):
    """With a constant encoder, only the shifted input carries information."""
    params = noisy()
    for name in ('encoder', 'encoder_input'):
      params[name] = jax.tree.map(jnp.zeros_like, params[name])
    np.testing.assert_array_equal(
      changed_positions(params, t), [np.arange(T) > t] * B
    )

  @parameterized.parameters(*range(T))
  def test_attention_reads_all_words(self, t):
    """The decoder output is constant here, whatever its input and state."""
    params = noisy()
    params['decoder'] = jax.tree.map(jnp.zeros_like, params['decoder'])
    shut = jnp.ones(3 * H).at[H : 2 * H].set(-99.0)  # the update gate
    params['decoder_input'] = {'kernel': jnp.zeros((E, 3 * H)), 'bias': shut}
    self.assertTrue(changed_positions(params, t).all())

  def test_parameter_count(self):
    params = jax.eval_shape(MODEL.init, jax.random.key(0))
    one_gru = 3 * (E * H + H * H + H) + H
    want = (V + 2) * E + 2 * one_gru + H * H + 2 * H * H + (H + 1) * V
    self.assertEqual(sum(x.size for x in jax.tree.leaves(params)), want)

  def test_encoder_and_decoder_differ_at_initialisation(self):
    params = jax.jit(MODEL.init)(jax.random.key(0, impl='unsafe_rbg'))
    for part in ('', '_input'):
      one, other = params['encoder' + part], params['decoder' + part]
      for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other)):
        self.assertGreater(np.abs(a - b).max(), 0.01)

  def test_all_parameters_have_gradients(self):
    grads = jax.jit(
      jax.grad(lambda p: jnp.sum(jnp.sin(MODEL.rewrite(p, TOKENS).logits)))
    )(noisy())
    for path, leaf in jax.tree_util.tree_leaves_with_path(grads):
      self.assertGreater(np.abs(leaf).max(), 1e-4, msg=str(path))

  @parameterized.parameters(
    ({'embed_dim': 0}, 'embed=0'), ({'width': 0}, 'hidden=0')
  )
  def test_rejects_bad_settings(self, settings, message):
    with self.assertRaisesRegex(UserError, f'discriminator.{message}'):
      seq2seq(
        **{'vocab_size': V, 'embed_dim': E, 'width': H, 'init': INIT} | settings
      )

  def test_accepts_tokens_only(self):
    with self.assertRaises(AssertionError):
      MODEL.rewrite(noisy(), jnp.zeros((B, T)))
    with self.assertRaises(AssertionError):
      MODEL.rewrite(noisy(), jnp.zeros((B,), jnp.int32))
