"""The rewards and the ranker of RankGAN against loops."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rewards
import toys
import trees

from moegan_jax import systems
from moegan_jax.systems import rankgan
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.pools import Labelled
from moegan_jax.systems.rollout_policy import rollout_policy
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B, U, C = 3, 3, 6, 2, 3
GAMMA = 5.0
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
BETA = rollout_policy(policy='live', samples=2, chunk=1)
SIZES = {'gamma': GAMMA, 'references': U, 'comparisons': C}


def settings():
  c = toys.settings('rankgan', adversarial__batch=B, mle__batch=B)
  return toys.change(
    c,
    pool__negatives=7,
    rank__gamma=GAMMA,
    rank__references=U,
    rank__comparisons=C,
    adversarial__g_lr=0.01,
    adversarial__d_lr=0.01,
  )


@functools.cache
def game():
  """Returns a PolicyGAN and a state with parameters far from zero."""
  c, spec = settings(), Spec(V, T, 20)
  gan = policy_gan(c, spec, 'sequence', classifier=False)
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  return gan, state.replace(players=trees.noisy(state.players))


def vectors(tokens):
  """Returns D's features of each text, judged alone."""
  gan, state = game()
  phi = state.players['discriminator'].params
  return [np.asarray(gan.features(phi, row[None], None)[0]) for row in tokens]


def score(s, references, comparisons):
  """Returns R(s | U, C) of feature vectors from the definition."""

  def power(x, u):
    cosine = float(x @ u) / math.sqrt(float(x @ x) * float(u @ u))
    return math.exp(GAMMA * cosine)

  shares = []
  for u in references:
    own = power(s, u)
    shares.append(own / (own + sum(power(c, u) for c in comparisons)))
  return sum(shares) / len(shares)


@functools.cache
def weigh():
  gan, _ = game()
  return jax.jit(rankgan.action_values(gan, BETA, **SIZES))


def test_rewards_are_the_ranks_among_the_real_batch():
  gan, state = game()
  drawn = gan.draw(state, B, jax.random.key(1))
  values, metrics = weigh()(state, REAL, drawn, jax.random.key(2))
  real = vectors(REAL.tokens)
  ranks = [score(s, real[:U], real[U : U + C]) for s in vectors(ALL)]
  table = jnp.asarray(ranks).reshape(V, V, V)

  def look_up(tokens):
    return table[tokens[:, 0], tokens[:, 1], tokens[:, 2]]

  want = BETA.returns(gan, state, drawn, look_up, jax.random.key(2))
  np.testing.assert_allclose(values, want, rtol=1e-4)
  assert np.ptp(ranks) > 0.05
  np.testing.assert_allclose(metrics['reward_mean'], values.mean(), rtol=1e-5)


def test_a_reward_depends_on_its_prefix_and_the_references_only():
  gan, state = game()
  draw = jax.jit(lambda key: gan.draw(state, B, key))
  drawn, other = draw(jax.random.key(1)), draw(jax.random.key(2))
  key = jax.random.key(3)
  rewards.assert_own_prefixes_only(
    lambda drawn: weigh()(state, REAL, drawn, key)[0], drawn, other, V
  )
  before = weigh()(state, REAL, drawn, key)[0]
  for row in range(B):
    changed = REAL.tokens.at[row].set((REAL.tokens[row] + 1) % V)
    after = weigh()(state, Batch(changed), drawn, key)[0]
    assert (after != before).any() == (row < U + C)


@pytest.mark.parametrize('form', ['log', 'minimax'])
def test_loss_of_the_ranker_equals_the_loop(form):
  gan, state = game()
  phi = state.players['discriminator'].params
  beside = (ALL[1 : 1 + U + C], ALL[10 : 10 + C])
  real = [True, False, True, True, False, False]
  batch = Labelled(REAL.tokens, jnp.asarray(real), beside=beside)
  loss = rankgan.ranking_loss(gan, **SIZES, form=form)
  value, metrics = loss(phi, state, batch, None)
  u, fakes = vectors(beside[0]), vectors(beside[1])
  u, among_real = u[:U], u[U:]
  terms, logs = [], []
  for s, is_real in zip(vectors(REAL.tokens), real, strict=True):
    r = score(s, u, fakes if is_real else among_real)
    logs.append(math.log(r))
    if is_real:
      terms.append(-math.log(r))
    else:
      terms.append(math.log(r) if form == 'log' else -math.log(1 - r))
  np.testing.assert_allclose(value, np.mean(terms), rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(metrics['d_logits'], logs, rtol=1e-4)


def test_dropout_is_drawn_for_each_text():
  gan, state = game()
  phi = state.players['discriminator'].params
  same = jnp.repeat(ALL[5:6], B, axis=0)
  values = np.asarray(gan.features(phi, same, jax.random.key(0)))
  assert len({tuple(row) for row in values.tolist()}) > 1


def expected_rank(params):
  """Returns the exact mean rank of samples among the real batch."""
  gan, _ = game()
  real = vectors(REAL.tokens)
  ranks = [score(s, real[:U], real[U : U + C]) for s in vectors(ALL)]
  p = np.exp(np.asarray(gan.log_probs(params, ALL).sum(1), np.float64))
  return float(p @ np.asarray(ranks)), max(ranks)


def test_updates_of_the_generator_raise_the_expected_rank():
  gan, state = game()
  update = gan.train.generator_updates(
    gan.generator_loss(rankgan.action_values(gan, BETA, **SIZES))
  )
  # Many samples, because the reward has no baseline.
  batches = Batch(jnp.tile(REAL.tokens, (40, 1))[None])
  enter = systems.build(settings(), Spec(V, T, 20)).phases['adversarial'].enter
  state = enter(state)

  def body(state, i):
    key = jax.random.fold_in(jax.random.key(0), i)
    return update.apply(state, batches, key)[0], None

  before, best = expected_rank(state.players['generator'].params)
  state, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(300)))(state)
  after, _ = expected_rank(state.players['generator'].params)
  assert after > before + 0.3 * (best - before)


def test_ranker_tells_real_text_from_samples():
  _, state = game()
  # Samples are rarely equal to the only real text.
  _, metrics = toys.pretrain_discriminator(
    settings(), Spec(V, T, 20), state, ALL[0], 60
  )
  chance = -math.log(C + 1)
  assert metrics['d_fake'][-1] < chance < metrics['d_real'][-1]
  assert metrics['d_loss'][-1] < metrics['d_loss'][0]
