"""Tests the CNN discriminator against loops, its dropout and its errors."""

import chex
import jax
import jax.numpy as jnp
import network_oracles
import numpy as np
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.initializers import initializers

B, T, V, E = 4, 5, 7, 4
INIT = initializers('relgan')
RNG = np.random.RandomState(0)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
EMBEDDED = jnp.asarray(RNG.randn(B, T, E), jnp.float32)


def small(**settings):
  return cnn(
    **{
      'vocab_size': V,
      'length': T,
      'embed_dim': E,
      'widths': (2, 3),
      'filters': 3,
      'features': 6,
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


class CNNTest(chex.TestCase):
  @parameterized.parameters(
    (1, 'tied', 2_129_449),
    (64, 'tied', 1_864_849),
    # Two highway matrices without bias replace one with bias.
    (1, 'separate', 2_129_449 + 1200 * 1200 - 1200),
    (64, 'separate', 1_864_849 + 1200 * 1200 - 1200),
  )
  def test_parameter_count(self, representations, highway, want):
    model = cnn(
      vocab_size=4657,
      length=37,
      representations=representations,
      highway=highway,
      init=INIT,
    )
    params = jax.eval_shape(model.init, jax.random.key(0))
    self.assertEqual(sum(x.size for x in jax.tree.leaves(params)), want)

  @parameterized.product(
    representations=[1, 2],
    highway=['separate', 'tied'],
    filters=[3, (3,), (4, 2)],
  )
  def test_matches_the_loops(self, representations, highway, filters):
    model = small(
      representations=representations, highway=highway, filters=filters
    )
    params = noisy(model)
    got = jax.jit(lambda p, x: model.judge(p, x, None))(params, EMBEDDED)
    logits, features = network_oracles.text_cnn(
      params['body'],
      np.asarray(EMBEDDED),
      widths=(2, 3),
      representations=representations,
      highway=highway,
    )
    shape = (B,) if representations == 1 else (B, representations)
    np.testing.assert_allclose(
      got.logits, logits.reshape(shape), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(got.features, features, rtol=1e-3, atol=1e-4)

  def test_representations_read_their_own_block(self):
    model = small(representations=2)
    params = noisy(model)
    judge = jax.jit(lambda x: model.judge(params, x, None).logits)
    moved = judge(EMBEDDED.at[..., : E // 2].add(1.0)) - judge(EMBEDDED)
    self.assertTrue((np.abs(moved[:, 0]) > 1e-3).any())
    np.testing.assert_array_equal(moved[:, 1], 0)

  def test_tokens_equal_one_hot_rows(self):
    model = small()
    params = noisy(model)
    got = jax.jit(model.embed)(params, TOKENS)
    rows = jax.nn.one_hot(TOKENS, V)
    chex.assert_shape(got, (B, T, E))
    np.testing.assert_allclose(
      got, jax.jit(model.embed)(params, rows), rtol=1e-6
    )
    want = [[params['embed'][i] for i in row] for row in np.asarray(TOKENS)]
    np.testing.assert_array_equal(got, want)

  def test_embedding_is_linear(self):
    model = small()
    params = noisy(model)
    rows = RNG.dirichlet(np.ones(V), size=(B, T)).astype(np.float32)
    got = model.embed(params, jnp.asarray(rows))
    want = np.einsum('btv,ve->bte', rows, params['embed'])
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)

  def test_dropout_needs_a_key(self):
    model = small(dropout=0.5)
    params = noisy(model)
    judge = jax.jit(model.judge)
    plain, sure = (
      jax.jit(m.judge)(params, EMBEDDED, None)
      for m in (model, small(dropout=0))
    )
    chex.assert_trees_all_equal(plain, sure)
    one, again, two = (
      judge(params, EMBEDDED, jax.random.key(i)) for i in (0, 0, 1)
    )
    chex.assert_trees_all_equal(one, again)
    for other in (two, plain):
      self.assertGreater(np.abs(one.features - other.features).max(), 0.1)

  def test_dropout_drops_its_share_of_the_highway(self):
    """The feature layer is the identity, so features are highway outputs."""
    model = small(dropout=0.25, filters=50, features=100)
    params = noisy(model)
    body = params['body']
    body['features'] = {'kernel': jnp.eye(100), 'bias': jnp.zeros(100)}
    for width in (2, 3):  # keeps all outputs well above zero
      body[f'bias_{width}'] = jnp.full(50, 30.0)
    for name in ('highway', 'highway_gate'):
      body[name] = {'kernel': jnp.zeros((100, 100))}
    judge = jax.jit(lambda key: model.judge(params, EMBEDDED, key).features)
    plain, dropped = judge(None), judge(jax.random.key(0))
    self.assertGreater(plain.min(), 1)
    ratio = dropped / plain
    kept = ratio > 0.5
    np.testing.assert_allclose(ratio[kept], 1 / 0.75, rtol=1e-5)
    np.testing.assert_array_equal(ratio[~kept], 0)
    # The tolerance is four standard errors of 400 draws.
    np.testing.assert_allclose(1 - kept.mean(), 0.25, atol=0.09)

  def test_gram_measures_gradients_in_token_space(self):
    model = small()
    params = noisy(model)
    table = np.asarray(params['embed'], np.float64)
    gram = model.gram(params)
    want = [
      [sum(table[v, a] * table[v, b] for v in range(V)) for b in range(E)]
      for a in range(E)
    ]
    np.testing.assert_allclose(gram, want, rtol=1e-5, atol=1e-5)
    rows = jax.nn.one_hot(TOKENS, V)

    def score(embedded):
      return jnp.sum(jnp.sin(embedded))

    by_row = jax.grad(lambda r: score(model.embed(params, r)))(rows)
    by_embedding = jax.grad(score)(model.embed(params, rows))
    np.testing.assert_allclose(
      jnp.einsum('bte,ef,btf->bt', by_embedding, gram, by_embedding),
      jnp.sum(by_row**2, axis=-1),
      rtol=1e-4,
    )

  @parameterized.parameters(
    ({'widths': (2, T + 1)}, r'widths=\(2, 6\).*length 5'),
    ({'widths': ()}, 'widths'),
    ({'widths': (0, 2)}, 'widths'),
    ({'representations': 3}, 'representations=3.*embed=4'),
    ({'representations': 0}, 'representations=0'),
    ({'representations': 8}, 'representations=8'),
    ({'filters': 0}, 'filters=0'),
    ({'filters': (3, 0)}, r'filters=\(3, 0\)'),
    ({'filters': (3, 4, 5)}, r'filters=\(3, 4, 5\) has 3 numbers for 2 widths'),
    ({'features': -1}, 'features=-1'),
    ({'highway': 'shared'}, 'shared.*separate, tied'),
    ({'dropout': 1.0}, 'dropout=1.0'),
    ({'dropout': -0.1}, 'dropout=-0.1'),
  )
  def test_rejects_bad_settings(self, settings, message):
    with self.assertRaisesRegex(UserError, message):
      small(**settings)

  def test_pooled_features_and_a_reconstruction_head(self):
    model = small(features=0, highway='none', reconstruction=2, dropout=0.0)
    params = noisy(model)
    got = model.judge(params, EMBEDDED, None)
    pooled = got.features[:, 0]
    body = params['body']
    self.assertNotIn('features', body)
    head = body['reconstruction']
    np.testing.assert_allclose(
      got.aux, pooled @ head['kernel'] + head['bias'][None], rtol=1e-5
    )
    # Computes the first filter of the first width, position by position.
    width = min(int(k.split('_')[1]) for k in body if 'kernel_' in k)
    kernel, bias = body[f'kernel_{width}'], body[f'bias_{width}']
    x = np.asarray(EMBEDDED)
    scores = [
      np.sum(x[:, t : t + width] * np.asarray(kernel)[None, :, :, 0], (1, 2))
      for t in range(x.shape[1] - width + 1)
    ]
    expected = np.maximum(np.max(scores, 0) + float(bias[0]), 0)
    np.testing.assert_allclose(pooled[:, 0], expected, rtol=1e-4, atol=1e-6)

  def test_accepts_a_filter_as_wide_as_the_text(self):
    model = small(widths=(T,))
    critique = jax.eval_shape(model.judge, noisy(model), EMBEDDED, None)
    self.assertEqual(critique.features.shape, (B, 1, 6))
