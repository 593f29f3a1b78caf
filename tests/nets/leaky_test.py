"""The generator of LeakGAN against loops, and where its gradients go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import decode
from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.leaky import leaky
from moegan_jax.ops import random

pytestmark = pytest.mark.usefixtures('quick_compilation')
B, T, V, F, H, K, C = 3, 5, 4, 5, 3, 2, 2
RNG = np.random.RandomState(0)
TEXT = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
INIT = initializers('seqgan')
DISC = cnn(
  vocab_size=V + 1,
  length=T,
  embed_dim=2,
  widths=(1, 2),
  filters=(2, 3),
  features=0,
  init=INIT,
)
MODEL = leaky(
  DISC.prefixes,
  vocab_size=V,
  features=F,
  embed_dim=3,
  width=H,
  goal_size=K,
  step_size=C,
  padding=V,
  pad=None,
  end_input='zero',
  init=INIT,
)


def noisy(tree, seed=1):
  rng = np.random.RandomState(seed)
  return jax.tree.map(
    lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype), tree
  )


KEY = jax.random.key(0)
PARAMS = noisy(jax.eval_shape(MODEL.generator.init, KEY)) | {
  'leak': noisy(jax.eval_shape(DISC.init, KEY), 2)
}


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def lstm(params, state, x):
  """One step of an LSTM for one row, with gates in the order i, f, o, g."""
  h, c = state
  recurrent = params['core']['Dense_0']['kernel']
  gates = x @ params['input']['kernel'] + params['input']['bias']
  i, f, o, g = np.split(gates + h @ recurrent, 4)
  c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
  h = sigmoid(o) * np.tanh(c)
  return (h, c), h


def unit(x):
  return x / np.sqrt((x**2).sum())


@jax.jit
def judge(phi, text):
  return DISC.judge(phi, DISC.embed(phi, text), None).features


def naive(params, text):
  """Returns logits [T, V], features [T, F] and goals [T, F] of one text."""
  phi = params['leak']
  params = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
  manager, worker = params['manager'], params['worker']
  managing = working = (np.zeros(H), np.zeros(H))
  last, goals = V, [worker['start']] * C
  found = []
  for t in range(T):
    padded = text.at[t:].set(V)
    feature = np.asarray(judge(phi, padded[None]), np.float64).ravel()
    managing, output = lstm(manager, managing, feature)
    head = manager['head']
    goals.append(unit(output @ head['kernel'] + head['bias']))
    embedded = unit(sum(goals[-C:]) @ worker['goal'])
    working, output = lstm(worker, working, worker['embed'][last])
    kernel = worker['head']['kernel'].reshape(H, K, V)
    rows = np.einsum('h,hkv->vk', output, kernel) + worker['head']['bias'].T
    found.append((rows @ embedded, feature, goals[-1]))
    last = int(text[t])
  return [np.array(x) for x in zip(*found)]


def test_steps_equal_the_loop():
  observed = MODEL.observed

  @jax.jit
  def read(params, text):
    seen = decode.replay(observed, params, text)
    return observed.readout(params, seen), seen

  logits, seen = read(PARAMS, TEXT)
  for b in range(B):
    want = naive(PARAMS, TEXT[b])
    for x, y in zip((logits, seen.features, seen.goals), want, strict=True):
      np.testing.assert_allclose(x[b], y, rtol=1e-4, atol=1e-5)
  # The generator itself has the same logits.
  again = decode.teacher_force(MODEL.generator, PARAMS, TEXT)
  np.testing.assert_allclose(again, logits, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('unknown', [V + 1])
def test_unknown_words_are_padding_for_the_discriminator(unknown):
  """The worker has an embedding of them, and D has none."""
  text = TEXT.at[:, 1].set(unknown)
  seen = decode.replay(MODEL.observed, PARAMS, text)
  phi = PARAMS['leak']
  prefix = TEXT.at[:, 1:].set(V)
  want = judge(phi, prefix)[:, 0]
  np.testing.assert_allclose(seen.features[:, 2], want, rtol=1e-5, atol=1e-6)
  assert np.isfinite(seen.hidden).all()


def test_gradients_reach_their_own_group_only():
  observed = MODEL.observed

  def read(params, which):
    seen = decode.replay(observed, params, TEXT)
    values = {
      'worker': observed.readout(params, seen),
      'manager': seen.goals,
      'none': seen.features,
    }[which]
    return jnp.sum(jnp.sin(3 * values))

  for which in ('worker', 'manager', 'none'):
    gradients = jax.jit(jax.grad(read), static_argnums=1)(PARAMS, which)
    for group, of_group in gradients.items():
      reached = [bool(np.any(x)) for x in jax.tree.leaves(of_group)]
      assert all(reached) if group == which else not any(reached), group


def test_samples_are_drawn_from_the_logits():
  rows = random.row_keys(KEY, 8)
  text = decode.sample(MODEL.generator, PARAMS, rows, length=T).tokens
  logits = decode.teacher_force(MODEL.generator, PARAMS, text)
  noise = decode.noise(rows, T, V)
  np.testing.assert_array_equal((logits + noise).argmax(-1), text)
  alone = decode.sample(MODEL.generator, PARAMS, rows[2:4], length=T).tokens
  np.testing.assert_array_equal(alone, text[2:4])


def test_weights_over_words_embed_like_words():
  params = MODEL.generator.prepare(PARAMS)
  for tokens in (TEXT[:, 0], jnp.asarray([V, V + 1, 0])):
    weights = jax.nn.one_hot(tokens, V + 2)
    one = MODEL.generator.embed(params, tokens)
    two = MODEL.generator.embed(params, weights)
    for x, y in zip(one, two, strict=True):
      np.testing.assert_allclose(x, y, atol=1e-6)
