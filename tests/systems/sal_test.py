"""The rewards, the memory and the discriminator of SAL against loops."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rewards
import toys
import trees

from moegan_jax import systems
from moegan_jax.ops import ring
from moegan_jax.systems import sal
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.pools import Labelled
from moegan_jax.systems.rollout_policy import rollout_policy
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B, K, M = 3, 3, 6, 4, 9
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
BETA = rollout_policy(policy='live', samples=2, chunk=1)
WEIGHTS = jnp.asarray([1.0, -1.0, 0.25])
KEY = jax.random.key(2)


def settings(**changes):
  c = toys.settings('sal', adversarial__batch=B, mle__batch=B)
  return toys.change(
    c,
    pool__negatives=7,
    adversarial__g_lr=0.01,
    adversarial__d_lr=0.01,
    **changes,
  )


@functools.cache
def game():
  """Returns a PolicyGAN and a state with parameters far from zero.

  The memory has three rows, and the other ones are not written.
  """
  c, spec = settings(), Spec(V, T, 20)
  gan = policy_gan(c, spec, 'sequence', classifier=False)
  state = systems.build(c, spec).init(jax.random.key(0))
  past = ring.put(state.memory[sal.PAST], ALL[jnp.asarray([5, 14, 21])])
  memory = state.memory | {sal.PAST: past}
  return gan, state.replace(players=trees.noisy(state.players), memory=memory)


def vectors(phi, tokens):
  """Returns D's features of each text, judged alone."""
  gan, _ = game()
  features = jax.jit(lambda row: gan.features(phi, row, None))
  return [np.asarray(features(row[None])[0], np.float64) for row in tokens]


def d(phi, a, b):
  """Returns D(. | a, b) of two vectors of features."""
  head = jax.tree.map(lambda x: np.asarray(x, np.float64), phi['pair'])
  hidden = a @ head['first']['kernel'] + head['first']['bias']
  hidden = np.maximum(hidden + b @ head['second']['kernel'], 0)
  powers = np.exp(hidden @ head['readout']['kernel'] + head['readout']['bias'])
  return powers / powers.sum()


def scores(phi, references):
  """Returns the reward of all texts from the definition."""
  found = []
  for a in vectors(phi, ALL):
    total = 0.0
    for r in vectors(phi, references):
      forward, back = d(phi, a, r), d(phi, r, a)
      total += (forward[0] + back[1]) / 2 * 1.0
      total -= (forward[1] + back[0]) / 2 * 1.0
      total += (forward[2] + back[2]) / 2 * 0.25
    found.append(total / len(references))
  return np.asarray(found)


@functools.cache
def weigh():
  gan, _ = game()
  return jax.jit(
    lambda weights, *inputs: sal.action_values(gan, BETA, K, weights)(*inputs)
  )


def test_rewards_compare_completions_with_the_memory():
  gan, state = game()
  drawn = gan.draw(state, B, jax.random.key(1))
  values, metrics = weigh()(WEIGHTS, state, REAL, drawn, KEY)
  k_past, k_rollouts = jax.random.split(KEY)
  past = ring.draw(state.memory[sal.PAST], k_past, K)
  phi = state.players['discriminator'].params
  want = scores(phi, past)
  table = jnp.asarray(want, jnp.float32).reshape(V, V, V)

  def look_up(tokens):
    return table[tokens[:, 0], tokens[:, 1], tokens[:, 2]]

  assert np.ptp(want) > 0.1
  want = BETA.returns(gan, state, drawn, look_up, k_rollouts)
  np.testing.assert_allclose(values, want, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(metrics['reward_mean'], values.mean(), rtol=1e-4)


def test_a_reward_depends_on_its_prefix_and_written_rows_only():
  gan, state = game()
  draw = jax.jit(lambda key: gan.draw(state, B, key))
  drawn, other = draw(jax.random.key(1)), draw(jax.random.key(3))
  rewards.assert_own_prefixes_only(
    lambda drawn: weigh()(WEIGHTS, state, REAL, drawn, KEY)[0], drawn, other, V
  )
  before = weigh()(WEIGHTS, state, REAL, drawn, KEY)[0]
  past = state.memory[sal.PAST]
  k_past, _ = jax.random.split(KEY)
  used = {tuple(row) for row in np.asarray(ring.draw(past, k_past, K)).tolist()}
  assert len(used) > 1
  for row in range(M):
    changed = past.replace(rows=past.rows.at[row].set(2 - past.rows[row]))
    after = weigh()(
      WEIGHTS, state.replace(memory={sal.PAST: changed}), REAL, drawn, KEY
    )[0]
    read = row < 3 and tuple(past.rows[row].tolist()) in used
    assert (after != before).any() == read


def test_negated_weights_negate_the_gradient():
  gan, state = game()
  params = state.players['generator'].params

  @jax.jit
  def gradient(weights):
    loss = gan.generator_loss(sal.action_values(gan, BETA, K, weights))
    return jax.grad(loss, has_aux=True)(params, state, REAL, KEY)[0]

  trees.assert_negated(gradient(WEIGHTS), gradient(-WEIGHTS))


def test_loss_of_the_discriminator_equals_the_loop():
  gan, state = game()
  phi = state.players['discriminator'].params
  real = [True, False, True, True, False, False]
  batch = Labelled(REAL.tokens, jnp.asarray(real))
  value, metrics = sal.discriminator_loss(gan)(phi, state, batch, None)
  texts, terms, better = vectors(phi, REAL.tokens), [], []
  for i in range(B):
    others = []
    for j in range(B):
      if i == j:
        continue
      forward = d(phi, texts[i], texts[j])
      back = d(phi, texts[j], texts[i])
      label = 2 if real[i] == real[j] else int(real[j])
      terms.append(-np.log(forward[label]))
      others.append((forward[0] + back[1]) / 2)
    better.append(np.mean(others))
  np.testing.assert_allclose(value, np.mean(terms), rtol=1e-4)
  np.testing.assert_allclose(metrics['d_loss'], value)
  np.testing.assert_allclose(metrics['d_logits'], better, rtol=1e-4)


def test_dropout_is_drawn_for_each_text():
  gan, state = game()
  phi = state.players['discriminator'].params
  same = jnp.repeat(ALL[5:6], B, axis=0)
  for values in sal.encode(gan, phi, same, jax.random.key(0)):
    assert len({tuple(row) for row in np.asarray(values).tolist()}) > 1


@functools.cache
def iteration():
  """Returns the state at the start of the adversarial phase, and its update."""
  phase = systems.build(settings(), Spec(V, T, 20)).phases['adversarial']
  batches = Batch(jnp.tile(REAL.tokens, (phase.update.batches, 1, 1)))
  update = jax.jit(lambda state, key: phase.update.apply(state, batches, key))
  return phase.enter(game()[1]), update


def test_first_rewards_read_new_samples_and_no_unwritten_row():
  gan, _ = game()
  state, update = iteration()
  found = []
  for unwritten in (0, 2):
    empty = ring.create(M, T)
    empty = empty.replace(rows=empty.rows + unwritten)
    memory = state.memory | {sal.PAST: empty}
    after, metrics = update(state.replace(memory=memory), KEY)
    past = after.memory[sal.PAST]
    assert int(past.count) == B < M
    k_put = jax.random.fold_in(jax.random.fold_in(KEY, 0), 0)
    new = gan.draw(state, B, k_put).text
    np.testing.assert_array_equal(past.rows[:B], new)
    found.append((after.players, metrics))
  trees.assert_identical(*found)
  assert metrics['reward_max'] > metrics['reward_min']


def test_memory_holds_the_newest_samples():
  state, update = iteration()
  before = state.memory[sal.PAST]
  after, _ = update(state, KEY)
  past = after.memory[sal.PAST]
  # Three rows and B = 6 new ones fill the memory of 9 rows.
  assert (int(past.count), int(past.next)) == (M, 0)
  np.testing.assert_array_equal(past.rows[:3], before.rows[:3])
  again, _ = update(after, jax.random.key(8))
  last = again.memory[sal.PAST]
  assert (int(last.count), int(last.next)) == (M, B)
  np.testing.assert_array_equal(last.rows[B:], past.rows[B:])
  assert (last.rows[:B] != past.rows[:B]).any()


def test_trained_discriminator_prefers_real_text():
  gan, state = game()
  # Samples are rarely equal to the only real text.
  after, metrics = toys.pretrain_discriminator(
    settings(), Spec(V, T, 20), state, ALL[0], 80
  )
  assert metrics['d_loss'][-1] < metrics['d_loss'][0]
  assert metrics['d_fake'][-1] < 0.25 < metrics['d_real'][-1]
  phi = after.players['discriminator'].params
  texts = [sal.encode(gan, phi, x, None) for x in (ALL[:1], ALL[1:])]
  among = np.asarray(sal.compare(phi, *texts))[0]
  assert (among[:, 0] > among[:, 1]).all()
  assert among[:, 0].mean() > 0.5


def expected_reward(params, gains):
  gan, _ = game()
  p = np.exp(np.asarray(gan.log_probs(params, ALL).sum(1), np.float64))
  return float(p @ gains)


def test_updates_of_the_generator_raise_the_expected_reward():
  """The memory is kept, so that the reward of a text does not change."""
  gan, state = game()
  phi = state.players['discriminator'].params
  gains = scores(phi, state.memory[sal.PAST].rows[:3])
  update = gan.train.generator_updates(
    gan.generator_loss(sal.action_values(gan, BETA, K, WEIGHTS))
  )
  enter = systems.build(settings(), Spec(V, T, 20)).phases['adversarial'].enter
  batches = Batch(jnp.tile(REAL.tokens, (10, 1))[None])

  def body(state, i):
    key = jax.random.fold_in(jax.random.key(0), i)
    return update.apply(state, batches, key)[0], None

  before = expected_reward(state.players['generator'].params, gains)
  state, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(200)))(
    enter(state)
  )
  after = expected_reward(state.players['generator'].params, gains)
  assert after > before + 0.5 * (gains.max() - before)
