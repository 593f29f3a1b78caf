"""Tests the pair head against loops over pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.pair_head import pair_logits, project, with_pair_head

V, T, H, C, M, K = 5, 4, 6, 3, 3, 2


def discriminator(representations=1):
  inits = initializers('seqgan')
  disc = cnn(
    vocab_size=V,
    length=T,
    embed_dim=4,
    widths=(1, 2),
    filters=3,
    representations=representations,
    features=0,
    classifier=False,
    init=inits,
  )
  return disc, with_pair_head(disc, length=T, hidden=H, classes=C, init=inits)


@pytest.mark.parametrize('representations', [1, 2])
def test_head_reads_all_features(representations):
  _, disc = discriminator(representations)
  phi = disc.init(jax.random.key(0))
  features = 6 * representations  # two widths with three filters each
  shapes = jax.tree.map(jnp.shape, phi['pair'])
  assert shapes == {
    'first': {'kernel': (features, H), 'bias': (H,)},
    'second': {'kernel': (features, H)},
    'readout': {'kernel': (H, C), 'bias': (C,)},
  }


def test_parameters_of_the_discriminator_stay_and_kernels_differ():
  bare, disc = discriminator()
  phi = disc.init(jax.random.key(0))
  assert {*phi} == {*bare.init(jax.random.key(0)), 'pair'}
  pair = phi['pair']
  assert (pair['first']['kernel'] != pair['second']['kernel']).all()
  tokens = jnp.zeros((M, T), jnp.int32)
  features = disc.judge(phi, disc.embed(phi, tokens), None).features
  assert features.shape == (M, 1, 6)


def test_logits_of_all_pairs_equal_the_loop():
  _, disc = discriminator()
  phi = disc.init(jax.random.key(1))
  phi = jax.tree.map(lambda x: 5 * x, phi)
  rng = np.random.RandomState(0)
  a, b = (rng.randn(n, 6).astype(np.float32) for n in (M, K))
  got = jax.jit(pair_logits)(phi, project(phi, a)[0], project(phi, b)[1])
  assert got.shape == (M, K, C)
  pair = jax.tree.map(lambda x: np.asarray(x, np.float64), phi['pair'])
  hidden = []
  for i in range(M):
    for j in range(K):
      h = pair['first']['bias'].copy()
      for name, f in (('first', a[i]), ('second', b[j])):
        h += f @ pair[name]['kernel']
      hidden.append(h)
      h = np.maximum(h, 0)
      want = h @ pair['readout']['kernel'] + pair['readout']['bias']
      np.testing.assert_allclose(got[i, j], want, rtol=1e-4, atol=1e-5)
  assert (np.stack(hidden) < 0).any() and (np.stack(hidden) > 0).any()
