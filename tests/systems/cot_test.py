"""CoT: exactness of its losses where all texts can be enumerated."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
import toys
import trees
from enumerable import ALL, B, T, V
from estimators import assert_unbiased

from moegan_jax import decode, systems
from moegan_jax.losses.divergence import mediated_divergence
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import cot
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
LOG_P = jax.nn.log_softmax(jnp.asarray(1.5 * RNG.randn(V**T), jnp.float32))
KEY = jax.random.key(1)
ENDS = pytest.mark.parametrize('pad', [None, 0])


def settings(**changes):
  return toys.settings('cot', adversarial__batch=B, **changes)


@functools.cache
def game(pad=None):
  """Returns G, M, and a state with parameters far from zero."""
  c, spec = settings(), Spec(V, T, 20, pad)
  train, mediator, _ = cot.players(c, spec)
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  return train, mediator, state.replace(players=trees.noisy(state.players))


def parameters(state):
  return state.players['generator'].params, state.players['mediator'].params


def conditionals(model, params, pad=None):
  """Returns log p(. | prefix) of all texts, [27, T, V]."""
  logits = decode.teacher_force(model, params, padded(ALL, pad))
  return jax.nn.log_softmax(logits)


def log_texts(log_conditionals, pad=None):
  """Returns log p of the texts of all sequences up to their ends, [27]."""
  text = padded(ALL, pad)
  each = jnp.take_along_axis(log_conditionals, text[..., None], -1)[..., 0]
  return jnp.where(end_mask(text, pad), each, 0).sum(1)


def log_sequences(model, params):
  """Returns log p of all sequences of T tokens, [27]; they sum to 1."""
  return log_texts(conditionals(model, params))


def expected_loss(params, pad=None):
  """Returns the expected L_G over the samples of the frozen G."""
  train, mediator, state = game(pad)
  frozen, phi = parameters(state)
  p = jnp.exp(log_sequences(train.gen, frozen))
  own = conditionals(train.gen, params, pad)
  mediating = conditionals(mediator, phi, pad)
  counted = end_mask(padded(ALL, pad), pad)
  total = 0.0
  for t in range(T):
    for v in range(V):
      ratios = own[:, t, v] - mediating[:, t, v]
      total += jnp.sum(p * counted[:, t] * jnp.exp(own[:, t, v]) * ratios)
  return total / T


@ENDS
def test_mean_of_the_estimator_is_the_gradient_for_constant_prefixes(pad):
  train, mediator, state = game(pad)
  params, _ = parameters(state)
  loss = cot.generator_loss(train, mediator)

  def gradient(key):
    return jax.grad(loss, has_aux=True)(params, state, REAL, key)[0]

  exact = jax.jit(jax.grad(lambda x: expected_loss(x, pad)))(params)
  assert_unbiased(gradient, exact)


@ENDS
def test_expected_loss_is_the_divergence_of_texts(pad):
  """The chain rule: the sum over positions is KL(G || M)."""
  train, mediator, state = game(pad)
  params, phi = parameters(state)
  own = np.exp(log_texts(conditionals(train.gen, params, pad), pad))
  other = np.exp(log_texts(conditionals(mediator, phi, pad), pad))
  _, first = np.unique(padded(ALL, pad), axis=0, return_index=True)
  own, other = (np.asarray(x, np.float64)[first] for x in (own, other))
  assert own.sum() == pytest.approx(1, abs=1e-5)
  assert other.sum() == pytest.approx(1, abs=1e-5)
  divergence = (own * np.log(own / other)).sum()
  np.testing.assert_allclose(
    T * expected_loss(params, pad), divergence, rtol=1e-4
  )
  assert divergence > 0.1


def mixture():
  """Returns log G and log M* of all texts, and the conditionals of M*."""
  train, _, state = game()
  log_g = log_sequences(train.gen, parameters(state)[0])
  log_m = jnp.logaddexp(LOG_P, log_g) - jnp.log(2.0)
  table = np.exp(np.asarray(log_m, np.float64)).reshape(V, V, V)
  logs = np.zeros((V**T, T, V))
  for i, (a, b, _) in enumerate(np.asarray(ALL)):
    logs[i, 0] = np.log(table.sum((1, 2)))
    logs[i, 1] = np.log(table[a].sum(1) / table[a].sum())
    logs[i, 2] = np.log(table[a, b] / table[a, b].sum())
  return log_g, log_m, jnp.asarray(logs, jnp.float32)


def divergence(log_a, log_b):
  return jnp.sum(jnp.exp(log_a) * (log_a - log_b))


def test_losses_at_the_exact_mixture_give_the_jensen_shannon_divergence():
  train, _, state = game()
  log_g, log_m, logs = mixture()
  own = conditionals(train.gen, parameters(state)[0])
  each = jax.vmap(
    lambda x, m: mediated_divergence(x[None], m[None], jnp.ones((1, T), bool))
  )(own, logs)
  kl_g = T * jnp.sum(jnp.exp(log_g) * each)
  np.testing.assert_allclose(kl_g, divergence(log_g, log_m), rtol=1e-4)
  jsd = divergence(LOG_P, log_m) / 2 + kl_g / 2

  # Monte Carlo: L_M on samples of P and G, and the entropies of both.
  rng, n = np.random.RandomState(3), 20_000
  rows, logs_of = [], (LOG_P, log_g)
  for log_x in logs_of:
    p = np.exp(np.asarray(log_x, np.float64))
    rows.append(rng.choice(V**T, n, p=p / p.sum()))
  both = np.concatenate(rows)
  balanced = negative_log_likelihood(logs[both], ALL[both])
  found = T * float(balanced)
  variance = 0.0
  for log_x, row in zip(logs_of, rows, strict=True):
    found += float(log_x[row].mean()) / 2
    variance += float((log_x - log_m)[row].var()) / 4 / n
  assert abs(found - jsd) < 4 * np.sqrt(variance)
  assert jsd > 40 * np.sqrt(variance)


def test_constant_mediator_has_twice_the_gradient_of_the_divergence():
  _, log_m, _ = mixture()

  def jensen_shannon(logits):
    log_g = jax.nn.log_softmax(logits)
    middle = jnp.logaddexp(LOG_P, log_g) - jnp.log(2.0)
    return divergence(LOG_P, middle) / 2 + divergence(log_g, middle) / 2

  log_g = mixture()[0]
  want = 2 * jax.grad(jensen_shannon)(log_g)
  got = jax.grad(lambda x: divergence(jax.nn.log_softmax(x), log_m))(log_g)
  np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-6)


@ENDS
def test_loss_of_the_mediator_equals_the_loop(pad):
  train, mediator, state = game(pad)
  _, phi = parameters(state)
  loss = jax.jit(cot.mediator_loss(train, mediator, 0.0))
  value, metrics = loss(phi, state, REAL, KEY)
  fake = cot.samples(train, state, jax.random.split(KEY)[0], B)
  terms = []
  for tokens in (REAL.tokens, fake):
    logits = np.asarray(decode.teacher_force(mediator, phi, tokens))
    terms.append(oracles.negative_log_likelihood(logits, np.asarray(tokens)))
  np.testing.assert_allclose(value, sum(terms) / 2, rtol=1e-4)
  np.testing.assert_array_equal(metrics['balanced_nll'], value)
  np.testing.assert_array_equal(fake, padded(fake, pad))
  assert (fake == 0).any()


def test_dropout_acts_in_the_updates_of_the_mediator():
  train, mediator, state = game()
  _, phi = parameters(state)
  plain, dropped = (
    jax.jit(cot.mediator_loss(train, mediator, rate)) for rate in (0.0, 0.5)
  )
  assert plain(phi, state, REAL, KEY)[0] != dropped(phi, state, REAL, KEY)[0]


@ENDS
def test_loss_of_a_generator_that_equals_the_mediator_is_zero(pad):
  train, _, state = game(pad)
  params, _ = parameters(state)
  same = state.players | {'mediator': state.players['generator']}
  loss = cot.generator_loss(train, train.gen)
  value, grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(
    params, state.replace(players=same), REAL, KEY
  )
  np.testing.assert_allclose(value[0], 0, atol=1e-6)
  for x in jax.tree.leaves(grads):
    np.testing.assert_allclose(x, 0, atol=1e-6)


def test_updates_of_the_generator_lower_the_divergence_from_the_mediator():
  c = settings(adversarial__g_lr=0.03)
  train, mediator, state = game()
  phase = systems.build(c, train.spec).phases['adversarial']
  update = phase.parts['generator']
  batches = Batch(jnp.tile(REAL.tokens, (4, 1))[None])
  log_m = log_sequences(mediator, parameters(state)[1])

  def body(state, i):
    key = jax.random.fold_in(jax.random.key(0), i)
    return update.apply(state, batches, key)[0], None

  after, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(150)))(
    phase.enter(state)
  )
  before, found = (
    divergence(log_sequences(train.gen, parameters(x)[0]), log_m)
    for x in (state, after)
  )
  assert found < 0.3 * before
  trees.assert_identical(parameters(after)[1], parameters(state)[1])


def test_training_lowers_the_jensen_shannon_divergence():
  rows = 32
  c = settings(
    adversarial__g_lr=0.02,
    adversarial__d_lr=0.02,
    mediator__dropout=0.0,
    mediator__hidden=8,
    generator__hidden=8,
  )
  spec = Spec(V, T, 20)
  system = systems.build(c, spec)
  phase = system.phases['adversarial']
  train, _, _ = cot.players(c, spec)
  state = system.init(jax.random.key(0))
  state = state.replace(players=trees.noisy(state.players))

  def body(state, i):
    k_data, key = jax.random.split(jax.random.fold_in(KEY, i))
    shape = phase.update.batches, rows
    tokens = ALL[jax.random.categorical(k_data, LOG_P, shape=shape)]
    return phase.update.apply(state, Batch(tokens), key)[0], None

  after, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(400)))(
    phase.enter(state)
  )

  def jsd(state):
    log_g = log_sequences(train.gen, parameters(state)[0])
    middle = jnp.logaddexp(LOG_P, log_g) - jnp.log(2.0)
    return divergence(LOG_P, middle) / 2 + divergence(log_g, middle) / 2

  assert jsd(after) < 0.3 * jsd(state)
