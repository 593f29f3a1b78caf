"""DPGAN: its rewards and losses against loops, and its estimator."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees
from enumerable import ALL, B, T, V
from estimators import assert_unbiased

from moegan_jax import decode, systems
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import dpgan, networks
from moegan_jax.systems.policy_gan import Drawn
from moegan_jax.systems.pools import Labelled
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
CLIP, DISCOUNT = 1.5, 0.5
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
KEY = jax.random.key(1)
ENDS = pytest.mark.parametrize('pad', [None, 0])


def settings(**changes):
  c = toys.settings('dpgan', adversarial__batch=B, mle__batch=B)
  return toys.change(c, policy__reduce='sequence', pool__negatives=7, **changes)


@functools.cache
def game(pad=None):
  """Returns a PolicyGAN and a state with parameters far from zero."""
  c, spec = settings(), Spec(V, T, 20, pad)
  gan = dpgan.players(c, spec)
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  return gan, state.replace(players=trees.noisy(state.players))


@functools.cache
def weigh(pad):
  gan, _ = game(pad)
  made = dpgan.weights(gan, discount=DISCOUNT, clip=CLIP)
  return jax.jit(lambda *inputs: made(*inputs))


def written(text, pad):
  """Returns a Drawn of given texts, without states."""
  return Drawn(None, None, None, padded(text, pad), end_mask(text, pad))


def surprisals(state, text, pad):
  """Returns -log D of the words of each text, a list of lists."""
  spec = Spec(V, T, 20, pad)
  model = networks.language_model(
    spec, 'discriminator', **settings().discriminator
  )
  phi = state.players['discriminator'].params
  logits = np.asarray(decode.teacher_force(model, phi, text), np.float64)
  found = []
  for row, tokens in zip(logits, np.asarray(text), strict=True):
    words = []
    for scores, token in zip(row, tokens, strict=True):
      words.append(np.log(np.exp(scores).sum()) - scores[token])
      if token == pad:
        break
    found.append(words)
  return found


def naive_weights(state, text, pad):
  values = np.zeros(text.shape)
  texts = surprisals(state, text, pad)
  for b, words in enumerate(texts):
    limited = [min(w, CLIP) for w in words]
    sentence = sum(limited) / len(limited)
    for t in range(len(words)):
      for s in range(t, len(words)):
        values[b, t] += DISCOUNT ** (s - t) * sentence * limited[s]
  return values


@ENDS
def test_weights_equal_the_loop(pad):
  _, state = game(pad)
  drawn = written(ALL, pad)
  found, metrics = weigh(pad)(state, REAL, drawn, KEY)
  want = naive_weights(state, drawn.text, pad)
  got = np.where(drawn.written, found, 0)
  np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
  words = np.concatenate(surprisals(state, drawn.text, pad))
  np.testing.assert_allclose(metrics['reward_mean'], words.mean(), rtol=1e-4)
  assert metrics['reward_max'] > CLIP > metrics['reward_min'] >= 0
  assert (got >= 0).all()


# With an end symbol, fewer rows have a baseline at later positions.
@pytest.mark.parametrize(
  'pad, baseline', [(None, 'none'), (0, 'none'), (None, 'batch')]
)
def test_mean_of_the_estimator_is_the_enumerated_gradient(pad, baseline):
  gan, state = game(pad)
  params = state.players['generator'].params
  loss = gan._replace(baseline=baseline).generator_loss(weigh(pad))
  drawn = written(ALL, pad)
  values, _ = weigh(pad)(state, REAL, drawn, KEY)
  p = jnp.exp(gan.log_probs(params, ALL).sum(1))

  def gradient(key):
    return jax.grad(loss, has_aux=True)(params, state, REAL, key)[0]

  def cost(x):
    each = gan.log_probs(x, drawn.text) * values
    return -jnp.sum(p * jnp.where(drawn.written, each, 0).sum(1))

  exact = jax.jit(jax.grad(cost))(params)
  assert_unbiased(gradient, exact, least=10)


def test_negated_weights_negate_the_gradient():
  gan, state = game(0)
  params = state.players['generator'].params

  @jax.jit
  def gradient(sign):
    def signed(*inputs):
      values, metrics = weigh(0)(*inputs)
      return sign * values, metrics

    loss = gan.generator_loss(signed)
    return jax.grad(loss, has_aux=True)(params, state, REAL, KEY)[0]

  trees.assert_negated(gradient(1.0), gradient(-1.0))


@ENDS
def test_a_word_is_rewarded_by_its_prefix_and_a_token_by_its_own_text(pad):
  gan, state = game(pad)
  phi = state.players['discriminator'].params
  critique = jax.jit(lambda text: gan.critique(phi, text, None).aux)
  text = jnp.asarray([[1, 2, 1], [2, 2, 1], [1, 1, 2], [2, 1, 2]], jnp.int32)
  words = np.asarray(critique(text))
  for t in range(T - 1):
    later = text.at[:, t + 1 :].set(3 - text[:, t + 1 :])
    after = np.asarray(critique(later))
    np.testing.assert_array_equal(after[:, : t + 1], words[:, : t + 1])
    assert (after[:, t + 1 :] != words[:, t + 1 :]).any()
  values, _ = weigh(pad)(state, REAL, written(text, pad), KEY)
  for b in range(B):
    others = (3 - text).at[b].set(text[b])
    found, _ = weigh(pad)(state, REAL, written(others, pad), KEY)
    np.testing.assert_allclose(found[b], values[b], rtol=1e-5)
    assert (np.delete(found, b, 0) != np.delete(values, b, 0)).any()


def test_discriminator_reads_nothing_after_the_end():
  gan, state = game(pad=0)
  phi = state.players['discriminator'].params
  same = jnp.asarray([[1, 0, 0], [1, 0, 2], [1, 0, 1]], jnp.int32)
  found = gan.critique(phi, same, None)
  for x in (found.logits, found.features, found.aux):
    np.testing.assert_array_equal(x, jnp.broadcast_to(x[:1], x.shape))
  assert not found.aux[:, 2].any() and found.aux[:, :2].all()


def test_unknown_words_have_no_reward():
  gan, state = game()
  phi = state.players['discriminator'].params
  tokens = jnp.asarray([[1, V + 1, 2], [V + 1, V + 1, V + 1]], jnp.int32)
  found = gan.critique(phi, tokens, None)
  words = np.asarray(found.aux)
  np.testing.assert_array_equal(words != 0, tokens < V)
  np.testing.assert_allclose(
    found.logits, [(words[0, 0] + words[0, 2]) / 2, 0], rtol=1e-6
  )
  assert np.isfinite(found.features).all()


@ENDS
def test_loss_of_the_discriminator_equals_the_loop(pad):
  gan, state = game(pad)
  phi = state.players['discriminator'].params
  real = np.arange(V**T) % 3 == 0
  batch = Labelled(padded(ALL, pad), jnp.asarray(real))
  loss = jax.jit(dpgan.discriminator_loss(gan, CLIP))
  value, metrics = loss(phi, state, batch, KEY)
  texts = surprisals(state, batch.tokens, pad)
  rewards = {True: [], False: []}
  for words, kind in zip(texts, real, strict=True):
    limited = [min(w, CLIP) if kind else w for w in words]
    rewards[bool(kind)].append(np.mean(limited))
  want = np.mean(rewards[False]) - np.mean(rewards[True])
  np.testing.assert_allclose(value, want, rtol=1e-3, atol=1e-5)
  np.testing.assert_allclose(
    metrics['d_logits'], [np.mean(words) for words in texts], rtol=1e-4
  )


def test_trained_discriminator_rewards_real_text():
  _, state = game()
  # Samples are rarely equal to the only real text.
  _, metrics = toys.pretrain_discriminator(
    settings(adversarial__d_lr=0.01), Spec(V, T, 20), state, ALL[5], 60
  )
  assert metrics['d_loss'][-1] < metrics['d_loss'][0] - 0.5
  assert metrics['d_real'][-1] > metrics['d_fake'][-1] + 0.5


def test_updates_of_the_generator_raise_the_expected_reward():
  gan, state = game()
  c = settings(adversarial__g_lr=0.02, policy__baseline='batch')
  phase = systems.build(c, gan.train.spec).phases['adversarial']
  batches = Batch(jnp.tile(REAL.tokens, (8, 1))[None])

  def body(state, i):
    key = jax.random.fold_in(jax.random.key(0), i)
    return phase.parts['generator'].apply(state, batches, key)[0], None

  after, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(150)))(
    phase.enter(state)
  )
  rewards = np.asarray([np.mean(w) for w in surprisals(state, ALL, None)])

  def expected(state):
    params = state.players['generator'].params
    return float(np.exp(gan.log_probs(params, ALL).sum(1)) @ rewards)

  before = expected(state)
  assert expected(after) > before + 0.5 * (rewards.max() - before)
