"""LeakGAN: exactness of its gradients, leaked features, pre-training."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees

from moegan_jax import decode, systems
from moegan_jax.errors import UserError
from moegan_jax.losses.leak import manager_loss
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.ops import random
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import leakgan
from moegan_jax.systems.rollout_policy import rollout_policy
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B, C = 3, 4, 4, 2
KEYS, CALLS = 500, 6
DELTA = 16.0
KEY = jax.random.key(1)
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
REAL = jnp.asarray(np.random.RandomState(0).randint(V, size=(B, T)), jnp.int32)
BETA = rollout_policy(policy='live', samples=2, chunk=1)
ENDS = pytest.mark.parametrize('pad', [None, 0])
# A gradient compiles once for each value.
SLOW_ENDS = pytest.mark.parametrize(
  'pad', [pytest.param(None, marks=pytest.mark.slow), 0]
)


def settings(**changes):
  return toys.settings(
    'leakgan',
    adversarial__batch=B,
    mle__batch=B,
    policy__reduce='sequence',
    **changes,
  )


@functools.cache
def game(pad=None):
  """Returns G and D, features and goals, and a state far from zero."""
  c, spec = settings(), Spec(V, T, 20, pad)
  gan, leak = leakgan.players(c, spec)
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  return gan, leak, state.replace(players=trees.noisy(state.players))


@functools.cache
def gradients(pad=None):
  """Returns (KEYS keys, scales) -> gradients of the loss of G.

  The scales multiply the rewards of the worker and the cosines of the manager.
  """
  gan, leak, state = game(pad)
  params = state.players['generator'].params

  def gradient(key, of_rewards, of_cosines):
    class Scaled(leakgan.Leak):
      def rewards(self, read):
        return of_rewards * super().rewards(read)

      def cosines(self, read):
        return of_cosines * super().cosines(read)

    loss = leakgan.generator_loss(gan, Scaled(*leak), BETA, DELTA)
    return jax.grad(loss, has_aux=True)(params, state, Batch(REAL), key)[0]

  return jax.jit(jax.vmap(gradient, (0, None, None)))


def one_gradient(pad, of_rewards=1.0, of_cosines=1.0):
  """Returns the gradient for KEY."""
  keys = jax.random.split(jax.random.key(0), KEYS).at[0].set(KEY)
  found = gradients(pad)(keys, of_rewards, of_cosines)
  return jax.tree.map(lambda x: x[0], found)


@functools.cache
def reader(pad=None):
  """Returns (parameters of G, text) -> Reading, compiled."""
  _, leak, state = game(pad)
  return jax.jit(lambda params, text: leak.read(params, state, text))


@SLOW_ENDS
def test_mean_of_the_worker_gradient_is_that_of_the_expected_loss(pad):
  """Sums over all texts, with the rewards as constants."""
  _, leak, state = game(pad)
  params = state.players['generator'].params
  texts = jnp.asarray(np.unique(padded(ALL, pad), axis=0))
  written = end_mask(texts, pad)

  def log_probs(params):
    read = leak.read(params, state, texts)
    each = log_likelihood(read.logits, texts)
    return jnp.where(written, each, 0), leak.rewards(read)

  @jax.jit
  def exact(params):
    each, rewards = log_probs(params)
    weights = jax.lax.stop_gradient(jnp.exp(each.sum(1))[:, None] * rewards)
    return -jnp.sum(weights * each)

  each, _ = log_probs(params)
  np.testing.assert_allclose(jnp.exp(each.sum(1)).sum(), 1, rtol=1e-5)
  keys = jax.random.split(jax.random.key(5), (CALLS, KEYS))
  calls = [gradients(pad)(key, 1.0, 1.0)['worker'] for key in keys]
  found = jax.tree.map(lambda *x: np.concatenate(x), *calls)
  largest = 0.0
  for values, want in zip(
    jax.tree.leaves(found),
    jax.tree.leaves(jax.grad(exact)(params)['worker']),
    strict=True,
  ):
    error = values.std(0) / np.sqrt(len(values))
    assert (abs(values.mean(0) - want) <= 4.5 * error + 1e-6).all()
    largest = max(largest, float((abs(want) / (error + 1e-6)).max()))
  assert largest > 20, 'the errors are too large for a comparison'


@SLOW_ENDS
def test_manager_gradient_equals_the_formula(pad):
  """Compares with loops over rows, goals and ranks."""
  gan, _, state = game(pad)
  params = state.players['generator'].params
  got = one_gradient(pad)['manager']

  @jax.jit
  def play(state):
    k_sample, k_rollouts = jax.random.split(KEY)
    drawn = gan.draw(state, B, k_sample)
    score = functools.partial(gan.probability, state)
    q = BETA.returns(gan, state, drawn, score, k_rollouts, every=C)
    return q, drawn.text, drawn.written

  q, text, written = map(np.asarray, play(state))
  read = reader(pad)(params, text)
  f, g = np.asarray(read.features, np.float64), np.asarray(read.goals)
  wanted = np.zeros(g.shape)
  for b in range(B):
    for t in range(T - C + 1):
      column = q[:, t + C - 1]
      higher, equal = (column > column[b]).sum(), (column == column[b]).sum()
      rank = higher + (equal + 1) / 2
      weight = 1 / (1 + np.exp(-DELTA * (0.5 - rank / B)))
      moved = f[b, t + C] - f[b, t]
      length = np.sqrt((moved**2).sum())
      if not written[b, t] or length < 1e-5:
        continue
      # The gradient of the cosine at a goal of length 1.
      direction = moved / length
      wanted[b, t] = -weight / B * (direction - (direction @ g[b, t]) * g[b, t])
  _, back = jax.vjp(lambda p: reader(pad)(p, text).goals, params)
  want = back(jnp.asarray(wanted, jnp.float32))[0]['manager']
  for x, y in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
    np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5)
    assert np.any(x)


def test_each_reward_trains_its_own_group():
  base = one_gradient(0)
  negated = one_gradient(0, of_rewards=-1.0)
  trees.assert_negated(base['worker'], negated['worker'])
  trees.assert_identical(base['manager'], negated['manager'])
  unrewarded = one_gradient(0, of_rewards=0.0)
  assert not any(np.any(x) for x in jax.tree.leaves(unrewarded['worker']))
  trees.assert_identical(base['manager'], unrewarded['manager'])
  aimless = one_gradient(0, of_cosines=0.0)
  assert not any(np.any(x) for x in jax.tree.leaves(aimless['manager']))
  trees.assert_identical(base['worker'], aimless['worker'])


def test_negated_values_negate_the_gradient_of_the_manager():
  _, leak, state = game()
  params = state.players['generator'].params
  q = jnp.asarray(np.random.RandomState(3).rand(B, T - C + 1), jnp.float32)

  @jax.jit
  def gradient(sign):
    def loss(params):
      cosines = leak.cosines(leak.read(params, state, REAL))
      return manager_loss(cosines, sign * q, 'mean')

    return jax.grad(loss)(params)['manager']

  trees.assert_negated(gradient(1.0), gradient(-1.0))


def test_a_reward_depends_on_earlier_tokens_of_its_own_row():
  _, leak, state = game()
  params = state.players['generator'].params
  rewards = lambda x: leak.rewards(reader()(params, x))  # noqa: E731
  before = np.asarray(rewards(REAL))
  assert len(np.unique(before)) > B  # not constant in the batch
  for b in range(B):
    other = jnp.asarray((REAL + 1) % V).at[b].set(REAL[b])
    np.testing.assert_allclose(rewards(other)[b], before[b], rtol=1e-5)
  for t in range(T):
    later = REAL.at[:, t:].set((REAL[:, t:] + 1) % V)
    after = np.asarray(rewards(later))
    np.testing.assert_allclose(after[:, :t], before[:, :t], rtol=1e-5)
    assert not np.allclose(after[:, t], before[:, t])


def test_completions_continue_the_features_of_their_prefix():
  gan, _, state = game()
  params = gan.train.parameters(state)
  drawn = jax.jit(lambda key: gan.draw(state, B, key))(KEY)
  rows = random.row_keys(jax.random.key(2), B)
  keys = decode.rollout_keys(rows, T, 2)
  gen = gan.train.gen
  got = jax.jit(lambda s: decode.complete(gen, params, s, keys))(drawn.sampled)
  again = jax.jit(
    lambda rows, given: (
      decode.sample(
        gen,
        params,
        rows,
        length=T,
        prefix=drawn.sampled.tokens,
        given=given,
        choose=decode.by_inversion,
      ).tokens
    )
  )
  for t, i in itertools.product(range(1, T), range(2)):
    given = jnp.broadcast_to(jnp.arange(T) < t, (B, T))
    np.testing.assert_array_equal(got[t - 1, i], again(keys[t - 1, i], given))


@ENDS
def test_features_are_those_of_the_discriminator(pad):
  """Without an end symbol, padding is a row of D's embedding of its own."""
  _, leak, state = game(pad)
  params = state.players['generator'].params
  phi = state.players['discriminator'].params
  text = padded(REAL, pad)
  read = reader(pad)(params, text)
  judge = jax.jit(
    lambda x: leak.disc.judge(phi, leak.disc.embed(phi, x), None).features
  )
  padding = V if pad is None else pad
  assert len(phi['embed']) == V + (pad is None)
  for t in range(T + 1):
    prefix = text.at[:, t:].set(padding)
    want = judge(prefix)
    np.testing.assert_allclose(
      read.features[:, t], want[:, 0], rtol=1e-4, atol=1e-5
    )
  assert not np.allclose(read.features[:, 1], read.features[:, 2])


def test_samples_and_likelihoods_read_the_discriminator():
  system = systems.build(settings(), Spec(V, T, 20))
  _, _, state = game()
  other = trees.noisy(state.players, 9)['discriminator']
  changed = state.replace(players=state.players | {'discriminator': other})
  logits = jax.jit(system.logits)
  assert not np.allclose(logits(state, REAL), logits(changed, REAL))
  sample = jax.jit(lambda s: system.sample(s, KEY, 50))
  text = sample(state)
  assert (text != sample(changed)).any()
  assert (text == sample(state)).all()


def test_goals_before_the_first_step_are_shared_by_all_rows():
  _, _, state = game()
  params = state.players['generator'].params
  features = reader()(params, REAL).features
  assert params['worker']['start'].shape == features.shape[-1:]


def test_goals_from_the_end_on_do_not_count_on_real_text():
  _, leak, state = game(0)
  params = state.players['generator'].params
  text = jnp.asarray([[1, 2, 1, 2], [2, 0, 0, 0]] * 2, jnp.int32)
  _, metrics = jax.jit(leak.real_loss)(params, state, Batch(text), KEY)
  cosines = np.asarray(leak.cosines(reader(0)(params, text)))
  own = [*cosines[0], cosines[1, 0]]
  np.testing.assert_array_equal(cosines[1, 1:], 0)
  np.testing.assert_allclose(
    metrics['goal_cosine_real'], np.mean(own), rtol=1e-5
  )


def test_rounds_train_both_players_and_share_the_likelihood_updates():
  c = settings(mle__epochs=3, pool__pretraining=5)
  phases = systems.build(c, Spec(V, T, 20)).phases
  assert [*phases] == ['pretrain', 'adversarial']
  phase = phases['pretrain']
  # 3 epochs of 5 updates in 5 rounds, and 2 batches of real text for a pool.
  assert (phase.steps, phase.update.batches) == (5, 2 + 3)
  assert phase.parts['generator'].batches == 3
  none = settings(mle__epochs=3, pool__pretraining=0)
  phase = systems.build(none, Spec(V, T, 20)).phases['pretrain']
  assert (phase.steps, phase.update.batches) == (15, 1)


def test_training_moves_likelihood_goals_and_rewards():
  """On one text, and then against a fixed discriminator."""
  c = settings(mle__epochs=2, mle__lr=0.05, adversarial__g_lr=0.02)
  system = systems.build(c, Spec(V, T, 20))
  _, leak, state = game()
  pretrain, last = system.phases['pretrain'], system.phases['adversarial']

  def repeated(update, state, times, text):
    tokens = jnp.broadcast_to(text, (update.batches, B, T))

    def body(state, i):
      return update.apply(
        state, Batch(tokens), jax.random.fold_in(jax.random.key(0), i)
      )

    return jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(times)))(state)

  trained, metrics = repeated(pretrain.update, state, 40, REAL[:1])
  nll, cosine = metrics['nll'], metrics['goal_cosine_real']
  assert nll[-1] < 0.2 < nll[0]
  assert cosine[-1] > cosine[0] + 0.1
  phi = [s.players['discriminator'].params for s in (state, trained)]
  assert all((x != y).any() for x, y in zip(*map(jax.tree.leaves, phi)))

  @jax.jit
  def expected_reward(state):
    params = state.players['generator'].params
    read = leak.read(params, state, ALL)  # of the D in this state
    p = jnp.exp(log_likelihood(read.logits, ALL).sum(1))
    return jnp.sum(p * leak.rewards(read).mean(1))

  entered = last.enter(state)
  moved, _ = repeated(last.parts['generator'], entered, 60, REAL[:1])
  assert expected_reward(moved) > expected_reward(entered) + 0.1


def test_a_warm_start_is_refused():
  c = settings()
  c.init_from = 'runs/other'
  with pytest.raises(UserError, match=r'init_from=runs/other.*leave'):
    systems.build(c, Spec(V, T, 20))
