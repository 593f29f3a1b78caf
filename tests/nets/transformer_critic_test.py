"""Tests the Transformer discriminator against loops, and its dropout."""

import chex
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.transformer_critic import transformer_critic

B, T, V, E = 3, 4, 7, 6
RNG = np.random.RandomState(0)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
EMBEDDED = jnp.asarray(RNG.randn(B, T, E), jnp.float32)


def small(**settings):
  return transformer_critic(
    **{
      'vocab_size': V,
      'length': T,
      'embed_dim': E,
      'layers': 2,
      'heads': 3,
      'features': 5,
      'init': initializers('seqgan'),
    }
    | settings
  )


def noisy(model):
  rng = np.random.RandomState(1)
  return jax.tree.map(
    lambda x: jnp.asarray(0.5 * rng.randn(*x.shape), x.dtype),
    jax.eval_shape(model.init, jax.random.key(0)),
  )


class TransformerCriticTest(chex.TestCase):
  @parameterized.parameters((5, 3), (0, 1))
  def test_matches_the_loops(self, features, heads):
    model = small(features=features, heads=heads)
    params = noisy(model)
    got = jax.jit(lambda p, x: model.judge(p, x, None))(params, EMBEDDED)
    logits, want = network_oracles.transformer(
      params['body'], EMBEDDED, heads=heads
    )
    chex.assert_shape(got.logits, (B,))
    chex.assert_shape(got.features, (B, 1, features or E))
    np.testing.assert_allclose(got.logits, logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got.features[:, 0], want, rtol=1e-4, atol=1e-4)

  def test_reads_the_order_of_words(self):
    model = small()
    params = noisy(model)
    one = model.judge(params, EMBEDDED, None).logits
    other = model.judge(params, EMBEDDED[:, ::-1], None).logits
    self.assertTrue((abs(one - other) > 1e-3).all())

  def test_tokens_equal_one_hot_rows(self):
    model = small()
    params = noisy(model)
    one_hot = model.embed(params, jax.nn.one_hot(TOKENS, V))
    np.testing.assert_allclose(
      model.embed(params, TOKENS), one_hot, rtol=1e-5, atol=1e-6
    )

  def test_dropout_needs_a_key_and_differs_between_keys(self):
    model = small(dropout=0.5)
    params = noisy(model)
    judge = jax.jit(lambda key: model.judge(params, EMBEDDED, key).logits)
    one, other = judge(jax.random.key(0)), judge(jax.random.key(1))
    self.assertTrue((one != other).any())
    off = small(dropout=0.0)
    np.testing.assert_allclose(
      off.judge(params, EMBEDDED, jax.random.key(0)).logits,
      model.judge(params, EMBEDDED, None).logits,
      rtol=1e-5,
      atol=1e-6,
    )

  def test_features_without_a_logit(self):
    model = small(classifier=False)
    critique = model.judge(noisy(model), EMBEDDED, None)
    self.assertIsNone(critique.logits)
    chex.assert_shape(critique.features, (B, 1, 5))

  @parameterized.parameters(
    ({'heads': 4}, 'heads=4 must divide discriminator.embed=6'),
    ({'layers': 0}, 'discriminator.layers=0'),
    ({'features': -1}, 'discriminator.features=-1'),
    ({'dropout': 1.0}, 'discriminator.dropout=1.0'),
  )
  def test_bad_settings_are_refused(self, settings, words):
    with self.assertRaisesRegex(UserError, words):
      small(**settings)
