"""DGSAN: exactness of its loss, its fixed points, and the copies of G."""

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
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.self_adversarial import log_ratios, self_adversarial
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import assembly, dgsan, networks
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
LOG_P = jax.nn.log_softmax(jnp.asarray(1.5 * RNG.randn(V**T), jnp.float32))
KEY = jax.random.key(1)
ENDS = pytest.mark.parametrize('pad', [None, 0])
LEVELS = pytest.mark.parametrize('level', ['token', 'sequence'])


def settings(**changes):
  return toys.settings('dgsan', adversarial__batch=B, **changes)


@functools.cache
def game(pad=None):
  """Returns G and a state whose past generator differs from G."""
  c, spec = settings(), Spec(V, T, 20, pad)
  train = assembly.training(c, spec, networks.explicit_generator(c, spec))
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  players = trees.noisy(state.players)
  old = trees.noisy(state.players, seed=2)['generator'].params
  return train, state.replace(players=players, memory={dgsan.OLD: old})


def log_probs(params, tokens, pad=None):
  """Returns log p of the tokens of texts, [n, T]."""
  train, _ = game(pad)
  logits = decode.teacher_force(train.gen, params, tokens)
  return log_likelihood(logits, tokens)


def log_sequences(params):
  """Returns log p of all sequences of T tokens, [27]; they sum to 1."""
  return log_probs(params, ALL).sum(1)


def expected_loss(params, old, texts, weights, level, pad=None):
  """Returns L for a distribution of real text, summed over positions.

  Args:
    params: of p_new
    old: parameters of p_old
    texts: real texts int32 [n, T]
    weights: their probabilities [n]
    level: see `dgsan.level`
    pad: the end symbol
  """

  def each(tokens, sign):
    text = padded(tokens, pad)
    new, past = (log_probs(x, text, pad) for x in (params, old))
    ratios = log_ratios(new, past, end_mask(tokens, pad), level)
    return jnp.logaddexp(0, sign * ratios).sum(1)

  past = jnp.exp(log_sequences(old))
  return jnp.sum(weights * each(texts, -1)) + jnp.sum(past * each(ALL, 1))


@LEVELS
@ENDS
def test_mean_of_the_estimator_is_the_enumerated_gradient(level, pad):
  train, state = game(pad)
  params = state.players['generator'].params
  loss = dgsan.generator_loss(train, level, 'sequence')

  def gradient(key):
    return jax.grad(loss, has_aux=True)(params, state, REAL, key)[0]

  def cost(params):
    old, weights = state.memory[dgsan.OLD], jnp.full(B, 1 / B)
    return expected_loss(params, old, REAL.tokens, weights, level, pad)

  assert_unbiased(gradient, jax.jit(jax.grad(cost))(params))


def largest_gradient(level, old, data):
  """Returns the largest derivative of L at G, if G is the data or not."""
  _, state = game()
  params = state.players['generator'].params

  def cost(x):
    return expected_loss(x, old, ALL, jnp.exp(log_sequences(data)), level)

  grads = jax.jit(jax.grad(cost))(params)
  return max(float(abs(x).max()) for x in jax.tree.leaves(grads))


@LEVELS
def test_gradient_is_zero_where_both_generators_are_the_data(level):
  _, state = game()
  params, old = state.players['generator'].params, state.memory[dgsan.OLD]
  assert largest_gradient(level, params, params) < 1e-6
  assert largest_gradient(level, params, old) > 0.01


def test_data_are_a_fixed_point_for_any_past_at_the_level_of_sequences():
  """Of tokens they are none: prefixes come from two distributions."""
  _, state = game()
  params, old = state.players['generator'].params, state.memory[dgsan.OLD]
  assert largest_gradient('sequence', old, params) < 1e-6
  assert largest_gradient('token', old, params) > 1e-3


@LEVELS
@ENDS
def test_loss_equals_the_loop(level, pad):
  train, state = game(pad)
  params, old = state.players['generator'].params, state.memory[dgsan.OLD]
  loss = jax.jit(dgsan.generator_loss(train, level, 'sum'))
  value, metrics = loss(params, state, REAL, KEY)
  k_sample, _ = jax.random.split(KEY)
  fake = decode.draw_text(train.gen, old, k_sample, B, length=T, pad=pad)
  np.testing.assert_array_equal(fake, padded(fake, pad))
  total, logits = 0.0, {True: [], False: []}
  for real, texts in ((True, REAL.tokens), (False, fake)):
    new, past = (
      np.asarray(log_probs(x, texts, pad), np.float64) for x in (params, old)
    )
    for b in range(B):
      ratios = np.zeros(T)
      for t in range(T):
        ratios[t] = new[b, t] - past[b, t]
        if texts[b, t] == pad:
          break
      for ratio in ratios if level == 'token' else [ratios.sum()]:
        verdict = 1 / (1 + np.exp(-ratio))
        total -= np.log(verdict if real else 1 - verdict)
        logits[real].append(ratio)
  np.testing.assert_allclose(value, total, rtol=1e-4)
  for name, real in (('d_real', True), ('d_fake', False)):
    np.testing.assert_allclose(
      metrics[name], np.mean(logits[real]), rtol=1e-4, atol=1e-6
    )
  nll = -np.asarray(log_probs(params, REAL.tokens, pad)).mean()
  np.testing.assert_allclose(metrics['nll'], nll, rtol=1e-5)


def test_exchanged_texts_negate_the_gradient():
  """Near p_new = p_old, real text is raised as samples are lowered."""
  _, state = game()
  params = state.players['generator'].params

  @jax.jit
  def gradient(real, fake):
    def cost(x):
      logits = [
        log_ratios(
          log_probs(x, y), log_probs(params, y), jnp.ones((B, T), bool), 'token'
        )
        for y in (real, fake)
      ]
      return self_adversarial(*logits, 'sum')

    return jax.grad(cost)(params)

  one, other = ALL[:B], ALL[9 : 9 + B]
  for a, b in zip(
    jax.tree.leaves(gradient(one, other)), jax.tree.leaves(gradient(other, one))
  ):
    np.testing.assert_allclose(a, -b, rtol=1e-4, atol=1e-6)
    assert np.any(a)


@pytest.mark.parametrize('interval, period', [(3, 3), (0, 5)])
def test_past_generator_is_renewed_at_intervals(interval, period):
  """An epoch of 20 texts has 5 batches of 4."""
  train, state = game()
  c = settings(dgsan__interval=interval)
  phase = systems.build(c, train.spec).phases['adversarial']
  state = phase.enter(state)
  expected = state.players['generator'].params
  trees.assert_identical(state.memory[dgsan.OLD], expected)
  update = jax.jit(phase.update.apply)
  batches = Batch(REAL.tokens[None])
  for step in range(2 * period + 1):
    before = state.players['generator'].params
    key = jax.random.fold_in(KEY, step)
    state = state.replace(step=jnp.int32(step))
    state, metrics = update(state, batches, key)
    if step % period == 0:
      expected = before
      assert metrics['d_real'] == 0
    else:
      assert metrics['d_real'] != 0
    for a, b in zip(
      jax.tree.leaves(state.memory[dgsan.OLD]), jax.tree.leaves(expected)
    ):
      np.testing.assert_array_equal(a, b)


@LEVELS
def test_training_lowers_the_divergence_from_the_data(level):
  rows = 32
  c = settings(
    dgsan__level=level,
    dgsan__interval=10,
    adversarial__g_lr=0.02,
    generator__hidden=8,
  )
  spec = Spec(V, T, 20)
  system = systems.build(c, spec)
  phase = system.phases['adversarial']
  gen = networks.explicit_generator(c, spec)
  state = system.init(jax.random.key(0))
  state = state.replace(players=trees.noisy(state.players))

  def body(state, i):
    k_data, key = jax.random.split(jax.random.fold_in(KEY, i))
    tokens = ALL[jax.random.categorical(k_data, LOG_P, shape=(1, rows))]
    state, _ = phase.update.apply(state, Batch(tokens), key)
    return state.replace(step=state.step + 1), None

  after, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(300)))(
    phase.enter(state)
  )

  def divergence(state):
    params = state.players['generator'].params
    logits = decode.teacher_force(gen, params, ALL)
    log_g = log_likelihood(logits, ALL).sum(1)
    return jnp.sum(jnp.exp(LOG_P) * (LOG_P - log_g))

  assert divergence(after) < 0.3 * divergence(state)
