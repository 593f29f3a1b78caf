"""Features of prefixes, one token at a time, equal those of padded prefixes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.initializers import initializers

pytestmark = pytest.mark.usefixtures('quick_compilation')
B, T, V, E = 3, 6, 5, 4
RNG = np.random.RandomState(0)
TEXT = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)


def small(**settings):
  return cnn(
    **{
      'vocab_size': V + 1,
      'length': T,
      'embed_dim': E,
      'widths': (1, 2, 4, T),
      'filters': (3, 2, 4, 5),
      'features': 0,
      'init': initializers('seqgan'),
    }
    | settings
  )


def noisy(model):
  rng = np.random.RandomState(1)
  return jax.tree.map(
    lambda x: jnp.asarray(rng.randn(*x.shape), x.dtype),
    jax.eval_shape(model.init, jax.random.key(0)),
  )


def step_by_step(model, phi, text, pad):
  """Returns the features of the prefixes of 0, ..., T tokens, T + 1 arrays."""
  features = model.prefixes
  prepared = features.prepare(phi, pad)
  state = features.begin(len(text))
  found = [features.read(prepared, state, 0)]
  for t in range(T):
    state = features.push(prepared, state, model.embed(phi, text[:, t]))
    found.append(features.read(prepared, state, t + 1))
  return found


@pytest.mark.parametrize(
  'settings',
  [
    {},
    {'widths': (T,), 'filters': 3, 'highway': 'none'},
    {'widths': (1,), 'filters': 3, 'features': 2, 'activation': 'tanh'},
    {'representations': 2, 'features': 3, 'highway': 'tied'},
    {'classifier': False, 'reconstruction': 2},
  ],
)
@pytest.mark.parametrize('pad', [0, V])  # a word's id, and a row of its own
def test_features_equal_those_of_the_padded_prefix(settings, pad):
  model = small(**settings)
  phi = noisy(model)
  found = jax.jit(lambda x: step_by_step(model, phi, x, pad))(TEXT)
  judge = jax.jit(
    lambda x: model.judge(phi, model.embed(phi, x), None).features
  )
  for t, features in enumerate(found):
    padded = TEXT.at[:, t:].set(pad)
    want = judge(padded).reshape(B, -1)
    np.testing.assert_allclose(features, want, rtol=1e-5, atol=1e-5)
  assert not np.allclose(found[0], found[-1])


def test_unneeded_parameters_are_left_out():
  model = small(reconstruction=2)
  phi = noisy(model)
  shapes = jax.tree.map(
    jnp.shape,
    model.prefixes.prepare(phi, 0),
    is_leaf=lambda x: hasattr(x, 'shape'),
  )
  assert set(shapes) == {'kernels', 'rest', 'filter_bias', 'body'}
  assert set(shapes['body']) == {'highway', 'highway_gate'}
