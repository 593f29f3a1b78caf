"""ScratchGAN: its rewards and losses against loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees

from moegan_jax import systems
from moegan_jax.ops.ends import end_mask
from moegan_jax.systems import scratchgan
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B = 4, 5, 6
DISCOUNT, DECAY = 0.23, 0.08
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
KEY = jax.random.key(1)
ENDS = pytest.mark.parametrize('pad', [None, 0])


def settings():
  return toys.settings('scratchgan', adversarial__batch=B)


@functools.cache
def game(pad):
  """Returns G and D, and a state with parameters far from zero."""
  c, spec = settings(), Spec(V, T, 20, pad)
  gan, _ = scratchgan.players(c, spec)
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  rng = np.random.RandomState(1)
  noisy = lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype)  # noqa: E731
  players = {
    name: player.replace(params=jax.tree.map(noisy, player.params))
    for name, player in state.players.items()
  }
  memory = {scratchgan.BASELINE: jnp.float32(0.4)}
  return gan, state.replace(players=players, memory=memory)


def judged(gan, state, tokens):
  """Returns the logits of text, 0 after its end, in double precision."""
  phi = state.players['discriminator'].params
  logits = gan.disc.judge(phi, gan.disc.embed(phi, tokens), None).logits
  logits = np.array(logits, np.float64)
  for b in range(len(tokens)):
    for t in range(1, T):
      if gan.train.spec.pad in np.asarray(tokens)[b, :t].tolist():
        logits[b, t] = 0
  return logits


def naive_advantages(logits):
  """Returns R - b and b."""
  rewards = 2 / (1 + np.exp(-logits)) - 1
  to_go = np.zeros_like(rewards)
  for b in range(len(rewards)):
    for t in range(T):
      for s in range(t, T):
        to_go[b, t] += DISCOUNT ** (s - t) * rewards[b, s]
  baseline = DECAY * 0.4 + (1 - DECAY) * to_go.mean()
  return to_go - baseline, baseline


@ENDS
def test_generator_loss_equals_the_loop(pad):
  gan, state = game(pad)
  weigh = scratchgan.advantages(gan, discount=DISCOUNT, decay=DECAY)
  params = state.players['generator'].params
  value, metrics = jax.jit(gan.generator_loss(weigh))(params, state, REAL, KEY)
  drawn = gan.draw(state, B, jax.random.split(KEY)[0])
  text = np.asarray(drawn.text)
  weights, baseline = naive_advantages(judged(gan, state, drawn.text))
  log_probs = np.asarray(gan.log_probs(params, drawn.text), np.float64)
  total = 0.0
  for b in range(B):
    for t in range(T):
      total -= weights[b, t] * log_probs[b, t] / (B * T)
      if text[b, t] == pad:
        break
  np.testing.assert_allclose(value, total, rtol=1e-4)
  np.testing.assert_allclose(metrics['baseline'], baseline, rtol=1e-4)
  assert drawn.written.all() == (pad is None)


@ENDS
def test_discriminator_loss_equals_the_loop(pad):
  c = toys.change(settings(), discriminator__dropout=0.0)
  _, state = game(pad)
  gan, _ = scratchgan.players(c, Spec(V, T, 20, pad))
  phi = state.players['discriminator'].params
  value, metrics = jax.jit(scratchgan.discriminator_loss(gan, 0.3))(
    phi, state, REAL, KEY
  )
  fake = gan.draw(state, B, jax.random.split(KEY, 3)[0]).text
  real = judged(gan, state, REAL.tokens)
  terms = np.log1p(np.exp(-real)) / 2
  terms += np.log1p(np.exp(judged(gan, state, fake))) / 2
  np.testing.assert_allclose(metrics['d_loss'], terms.mean(), rtol=1e-4)
  squares = sum(float((np.asarray(x) ** 2).sum()) for x in jax.tree.leaves(phi))
  want = terms.mean() + 0.3 * squares / 2
  np.testing.assert_allclose(value, want, rtol=1e-4)
  written = np.asarray(end_mask(REAL.tokens, pad))
  np.testing.assert_allclose(
    metrics['d_real'], real[written].mean(), rtol=1e-4, atol=1e-6
  )


def test_dropout_acts_in_the_updates_of_the_discriminator_only():
  gan, state = game(0)
  phi = state.players['discriminator'].params
  loss = jax.jit(scratchgan.discriminator_loss(gan, 0.0))
  c = toys.change(settings(), discriminator__dropout=0.0)
  sure, _ = scratchgan.players(c, gan.train.spec)
  plain = jax.jit(scratchgan.discriminator_loss(sure, 0.0))
  values = [f(phi, state, REAL, KEY)[0] for f in (loss, plain)]
  assert values[0] != values[1]
  drawn = gan.draw(state, B, KEY)
  weights = [
    scratchgan.advantages(g, discount=DISCOUNT, decay=DECAY)(
      state, REAL, drawn, KEY
    )
    for g in (gan, sure)
  ]
  np.testing.assert_array_equal(weights[0][0], weights[1][0])


@ENDS
def test_a_reward_depends_on_its_own_prefix_only(pad):
  gan, state = game(pad)
  phi = state.players['discriminator'].params
  tokens = gan.draw(state, B, jax.random.key(4)).text
  verdict = jax.jit(lambda x: scratchgan.judge(gan, phi, x, None))
  before = np.asarray(verdict(tokens))
  for t in range(T - 1):
    changed = tokens.at[:, t + 1 :].set((tokens[:, t + 1 :] + 1) % V)
    after = np.asarray(verdict(changed))
    np.testing.assert_array_equal(after[:, : t + 1], before[:, : t + 1])
    assert (after[:, t + 1 :] != before[:, t + 1 :]).any()
  for b in range(B):
    other = ((tokens + 1) % V).at[b].set(tokens[b])
    np.testing.assert_allclose(
      verdict(other)[b], before[b], rtol=1e-5, atol=1e-6
    )


def test_negated_advantages_negate_the_gradient():
  gan, state = game(0)
  params = state.players['generator'].params
  weigh = scratchgan.advantages(gan, discount=DISCOUNT, decay=DECAY)

  @jax.jit
  def gradient(sign):
    def signed(*args):
      weights, metrics = weigh(*args)
      return sign * weights, metrics

    loss = gan.generator_loss(signed)
    return jax.grad(loss, has_aux=True)(params, state, REAL, KEY)[0]

  trees.assert_negated(gradient(1.0), gradient(-1.0))


def test_each_generator_update_moves_the_baseline():
  # The rate is too small to change the generator.
  c = toys.change(settings(), adversarial__g_steps=3, adversarial__g_lr=1e-30)
  gan, state = game(0)
  phase = systems.build(c, gan.train.spec).phases['adversarial']
  assert phase.update.batches == 4
  state = phase.enter(state)
  batches = Batch(jnp.broadcast_to(REAL.tokens, (3, B, T)))
  after, metrics = jax.jit(phase.parts['generator'].apply)(state, batches, KEY)
  k_steps = jax.random.split(KEY)[1]
  want = 0.4
  for i in range(3):
    k_sample = jax.random.split(jax.random.fold_in(k_steps, i))[0]
    drawn = gan.draw(state, B, k_sample)
    _, once = naive_advantages(judged(gan, state, drawn.text))
    want = once - DECAY * 0.4 + DECAY * want
  np.testing.assert_allclose(metrics['baseline'], want, rtol=1e-4)
  assert after.memory[scratchgan.BASELINE] == metrics['baseline']


def test_critique_is_zero_after_the_end():
  gan, state = game(0)
  system = systems.build(settings(), gan.train.spec)
  tokens = jnp.asarray([[1, 0, 2, 3, 0], [1, 2, 3, 1, 2]], jnp.int32)
  logits = np.asarray(system.critique(state, tokens).logits)
  assert not logits[0, 2:].any() and logits[0, :2].all() and logits[1].all()
