"""ColdGAN: exactness of its estimator, and its losses against loops."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees

from moegan_jax import systems
from moegan_jax.ops import ring
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import coldgan
from moegan_jax.systems.exploration import exploration
from moegan_jax.systems.policy_gan import PolicyGAN, policy_gan
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B = 3, 3, 4
KEYS = 6000
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
RNG = np.random.RandomState(0)
REAL = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
KEY = jax.random.key(1)
COLD = {'temperature': 0.4, 'top_p': 1.0, 'epsilon': 0.3}
NUCLEUS = {'temperature': 1.0, 'top_p': 0.6, 'epsilon': 0.3}
BOTH = {'temperature': 0.7, 'top_p': 0.8, 'epsilon': 0.5}
POLICIES = {'cold': COLD, 'nucleus': NUCLEUS, 'both': BOTH}
OFF = float('inf')
ENDS = pytest.mark.parametrize('pad', [None, 0])
KINDS = pytest.mark.parametrize('kind', POLICIES)


TABLE = jnp.asarray(RNG.randn(V, V, V), jnp.float32)


class Rewarded(PolicyGAN):
  """Rewards each text by a number of its own."""

  def probability(self, state, tokens):
    del state
    text = padded(tokens, self.train.spec.pad)
    return TABLE[text[:, 0], text[:, 1], text[:, 2]]


def settings(**changes):
  return toys.settings('coldgan', adversarial__batch=B, mle__batch=B, **changes)


@functools.cache
def game(pad=None):
  """Returns G and D, and a state with parameters far from zero."""
  c, spec = settings(), Spec(V, T, 20, pad)
  gan = policy_gan(c, spec, 'sequence')
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  rng = np.random.RandomState(1)
  noisy = lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype)  # noqa: E731
  players = {
    name: player.replace(params=jax.tree.map(noisy, player.params))
    for name, player in state.players.items()
  }
  return gan, state.replace(players=players)


def gradient_of(gan, state, kind):
  """Returns key -> gradient of the first update of G, and its metrics."""
  prepare = coldgan.play(gan, exploration(**POLICIES[kind]), OFF)
  loss = coldgan.generator_loss(gan, OFF)
  params = state.players['generator'].params

  def gradient(key):
    played = prepare(state, Batch(REAL[None]), key)
    played = jax.tree.map(lambda x: x[0], played)
    return jax.grad(loss, has_aux=True)(params, state, played, key)

  return gradient


@ENDS
@KINDS
def test_mean_of_the_estimator_is_the_gradient_of_the_expected_reward(
  kind, pad
):
  gan, state = game(pad)
  gan = Rewarded(*gan)
  keys = jax.random.split(jax.random.key(5), KEYS)
  found, metrics = jax.jit(jax.vmap(gradient_of(gan, state, kind)))(keys)
  rewards = gan.probability(state, ALL)

  def cost(params):
    # Sequences with the same text have the same reward; their tails sum to 1.
    return -jnp.sum(jnp.exp(gan.log_probs(params, ALL).sum(1)) * rewards)

  exact = jax.jit(jax.grad(cost))(state.players['generator'].params)
  largest = 0.0
  for values, want in zip(
    jax.tree.leaves(found), jax.tree.leaves(exact), strict=True
  ):
    error = values.std(0) / np.sqrt(KEYS)
    assert (abs(values.mean(0) - want) <= 4 * error + 1e-6).all()
    largest = max(largest, float((abs(want) / (error + 1e-6)).max()))
  assert largest > 10, 'the errors are too large for a comparison'
  mean = np.asarray(metrics['weight_mean'])
  assert abs(mean.mean() - 1) < 4 * mean.std() / np.sqrt(KEYS)
  assert metrics['weight_max'].max() <= 1 / POLICIES[kind]['epsilon'] + 1e-4


def naive_density(logits, tokens, pad, temperature=1.0, top_p=1.0):
  """Returns the probability of one text under a truncated policy."""
  total = 1.0
  for t in range(T):
    p = np.exp(np.asarray(logits[t], np.float64) / temperature)
    p /= p.sum()
    kept, share = [], 0.0
    for v in np.argsort(-p):
      if share < top_p:
        kept.append(v)
        share += p[v]
    total *= p[tokens[t]] / share if tokens[t] in kept else 0.0
    if tokens[t] == pad:
      break
  return total


@ENDS
@KINDS
def test_densities_equal_the_loop_and_the_frequencies(kind, pad):
  gan, state = game(pad)
  policy = POLICIES[kind]
  p = exploration(**policy)
  n = 20_000
  drawn = jax.jit(lambda key: p.draw(gan, state, n, key))(KEY)
  own, mixed = jax.jit(lambda d: p.log_densities(gan, state, d))(
    drawn._replace(sampled=None)
  )
  text = np.asarray(drawn.text)
  found, first, counts = np.unique(
    text, axis=0, return_index=True, return_counts=True
  )
  system = systems.build(settings(), gan.train.spec)
  logits = system.logits(state, jnp.asarray(found))
  total = 0.0
  for tokens, i, count, one in zip(found, first, counts, logits, strict=True):
    warm = naive_density(one, tokens, pad)
    cold = naive_density(
      one, tokens, pad, policy['temperature'], policy['top_p']
    )
    density = policy['epsilon'] * warm + (1 - policy['epsilon']) * cold
    np.testing.assert_allclose(np.exp(own[i]), warm, rtol=1e-4)
    np.testing.assert_allclose(np.exp(mixed[i]), density, rtol=1e-4)
    deviation = np.sqrt(density * (1 - density) / n)
    assert abs(count / n - density) < 4.5 * deviation + 1e-9
    total += density
  assert total == pytest.approx(1, abs=1e-3)


def test_weights_are_clipped():
  gan, state = game()
  p = exploration(**COLD)

  def weights(weight_clip):
    prepare = coldgan.play(gan, p, weight_clip)
    return np.asarray(prepare(state, Batch(REAL[None]), KEY).weights[0])

  free = weights(OFF)
  limit = float(np.median(free))
  np.testing.assert_array_equal(weights(limit), np.minimum(free, limit))
  assert (free > limit).any()


def test_all_updates_of_an_iteration_read_the_same_samples():
  gan, state = game()
  prepare = coldgan.play(gan, exploration(**COLD), OFF)
  real = jnp.stack([REAL, REAL[::-1]])
  played = prepare(state, Batch(real), KEY)
  np.testing.assert_array_equal(played.tokens, real)
  for x in jax.tree.leaves(played._replace(tokens=None)):
    assert x.shape[0] == 2
    np.testing.assert_array_equal(x[0], x[1])


@ENDS
@pytest.mark.parametrize('clip', [0.02, OFF])
def test_generator_loss_equals_the_loop(pad, clip):
  """Compares at parameters that differ from those of the samples."""
  gan, state = game(pad)
  prepare = coldgan.play(gan, exploration(**COLD), 2.0)
  played = jax.tree.map(lambda x: x[0], prepare(state, Batch(REAL[None]), KEY))
  rng = np.random.RandomState(5)
  params = jax.tree.map(
    lambda x: x + 0.3 * jnp.asarray(rng.randn(*x.shape), x.dtype),
    state.players['generator'].params,
  )
  value, metrics = coldgan.generator_loss(gan, clip)(params, state, played, KEY)
  text = played.text
  new = np.asarray(gan.log_probs(params, text), np.float64)
  old = gan.log_probs(state.players['generator'].params, text)
  old = np.asarray(old, np.float64)
  verdicts = np.asarray(gan.probability(state, text), np.float64)
  written = np.asarray(end_mask(text, pad))
  total, clipped = 0.0, 0
  for b in range(B):
    ratio = np.exp((new[b] - old[b])[written[b]].sum())
    bounded = min(max(ratio, 1 - clip), 1 + clip)
    gain = float(played.weights[b]) * verdicts[b]
    total -= min(ratio * gain, bounded * gain) / B
    clipped += bounded < ratio
  np.testing.assert_allclose(value, total, rtol=1e-4)
  assert (clipped > 0) == (clip < OFF)
  np.testing.assert_allclose(metrics['reward_mean'], verdicts.mean(), rtol=1e-5)


def test_negated_rewards_negate_the_gradient():
  gan, state = game(0)
  prepare = coldgan.play(gan, exploration(**COLD), OFF)
  played = jax.tree.map(lambda x: x[0], prepare(state, Batch(REAL[None]), KEY))
  loss = coldgan.generator_loss(gan, OFF)
  params = state.players['generator'].params

  @jax.jit
  def gradient(sign):
    signed = played._replace(rewards=sign * played.rewards)
    return jax.grad(loss, has_aux=True)(params, state, signed, KEY)[0]

  trees.assert_negated(gradient(1.0), gradient(-1.0))


def test_a_reward_depends_on_its_own_text_only():
  gan, state = game(0)
  prepare = jax.jit(coldgan.play(gan, exploration(**COLD), OFF))
  played = prepare(state, Batch(REAL[None]), KEY)
  texts = played.text[0]
  for b in range(B):
    alone = gan.probability(state, jnp.broadcast_to(texts[b], (B, T)))
    np.testing.assert_allclose(played.rewards[0, b], alone[b], rtol=1e-5)


def test_discriminator_learns_from_the_memory():
  gan, state = game()
  past = ring.put(ring.create(9, T), jnp.full((2, T), 2, jnp.int32))
  state = state.replace(memory={coldgan.REPLAY: past})
  phi = state.players['discriminator'].params
  value, metrics = coldgan.replay_loss(gan)(phi, state, Batch(REAL), KEY)
  k_dropout = jax.random.split(KEY)[1]
  both = jnp.concatenate([REAL, jnp.full((B, T), 2, jnp.int32)])
  logits = np.asarray(gan.judge(phi, both, k_dropout), np.float64)[:, 0]
  terms = np.log1p(np.exp(np.where(np.arange(2 * B) < B, -logits, logits)))
  np.testing.assert_allclose(metrics['d_loss'], terms.mean(), rtol=1e-5)
  np.testing.assert_allclose(metrics['d_real'], logits[:B].mean(), rtol=1e-5)
  np.testing.assert_allclose(metrics['d_fake'], logits[B:].mean(), rtol=1e-5)
  assert value > metrics['d_loss']  # the L2 penalty


def test_each_update_of_the_discriminator_puts_new_samples_first():
  gan, state = game()
  c = settings(adversarial__d_steps=2)
  phase = systems.build(c, gan.train.spec).phases['adversarial']
  update = phase.parts['discriminator']
  assert update.batches == 2
  tokens = jnp.broadcast_to(REAL, (2, B, T))
  after, metrics = jax.jit(update.apply)(phase.enter(state), Batch(tokens), KEY)
  memory = after.memory[coldgan.REPLAY]
  assert (int(memory.count), int(memory.next)) == (2 * B, 2 * B)
  assert np.isfinite(metrics['d_loss'])
