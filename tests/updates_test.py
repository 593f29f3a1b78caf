"""Tests updates with two toy players: effects, batches and keys."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from moegan_jax.ops import ring
from moegan_jax.types import Batch, Player, TrainState, Update
from moegan_jax.updates import (
  ema_update,
  every,
  gradient_update,
  remember,
  repeat,
  ring_update,
  sequence,
  together,
)

ADAM = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))
KEY_SEED = 7


def start(memory=None):
  players = {}
  for i, name in enumerate(('generator', 'discriminator')):
    params = {'w': jnp.arange(1.0, 4.0) * (i + 1), 'b': jnp.float32(i)}
    players[name] = Player(params, ADAM.init(params))
  return TrainState(
    step=jnp.int32(5),
    key=jax.random.key(0),
    players=players,
    memory=memory or {},
  )


def batches(k):
  """Returns k batches [2, 3]; batch i is filled with the number i + 1."""
  numbers = jnp.arange(1, k + 1, dtype=jnp.int32)
  return Batch(jnp.broadcast_to(numbers[:, None, None], (k, 2, 3)))


def loss(params, state, batch, key):
  """Reads its own player, the other player, the batch and the key."""
  noise = 0.3 + jax.random.key_data(key)[:1] / jnp.float32(2**32)
  other = sum(p.params['w'][0] for p in state.players.values())
  x = batch.tokens.mean(0).astype(jnp.float32)
  value = jnp.sum((params['w'] - x - noise) ** 2) + other * params['b']
  return value, {'loss': value, 'seen': x[0]}


def player_update(player):
  return gradient_update(player, ADAM, loss)


def recorder(name, batches=1):
  """Returns an update that records its arguments."""

  def apply(state, inputs, key):
    chex.assert_shape(inputs.tokens, (batches, 2, 3))
    memory = dict(state.memory)
    at = memory['count']
    memory['draw'] = memory['draw'].at[at].set(jax.random.uniform(key))
    memory['seen'] = memory['seen'].at[at, :batches].set(inputs.tokens[:, 0, 0])
    memory['count'] = at + 1
    return state.replace(memory=memory), {name: at}

  return Update(batches, apply)


def blank(size):
  return {
    'count': jnp.int32(0),
    'draw': jnp.full(size, -1.0),
    'seen': jnp.zeros((size, 2), jnp.int32),
  }


def run(update, state, k=None, seed=KEY_SEED):
  k = update.batches if k is None else k
  return jax.jit(update.apply)(state, batches(k), jax.random.key(seed))


class GradientUpdateTest(chex.TestCase):
  def test_takes_one_optimizer_step(self):
    state = start()
    after, metrics = run(player_update('generator'), state)
    mine = state.players['generator']
    batch = Batch(batches(1).tokens[0])
    grads, want = jax.jit(jax.grad(loss, has_aux=True))(
      mine.params, state, batch, jax.random.key(KEY_SEED)
    )
    moves, opt_state = jax.jit(ADAM.update)(grads, mine.opt_state, mine.params)
    chex.assert_trees_all_close(
      after.players['generator'],
      Player(optax.apply_updates(mine.params, moves), opt_state),
      rtol=1e-5,
    )
    # The metric is the norm before clipping to 1.
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in jax.tree.leaves(grads)))
    self.assertGreater(norm, 1)
    chex.assert_trees_all_close(
      metrics, want | {'generator_grad_norm': norm}, rtol=1e-5
    )

  def test_changes_only_its_player(self):
    state = start({'old': jnp.ones(2)})
    for name, other in (
      ('generator', 'discriminator'),
      ('discriminator', 'generator'),
    ):
      after, metrics = run(player_update(name), state)
      self.assertIn(f'{name}_grad_norm', metrics)
      chex.assert_trees_all_equal(after.players[other], state.players[other])
      moved = jax.tree.map(
        lambda a, b: bool((a != b).all()),
        after.players[name].params,
        state.players[name].params,
      )
      self.assertTrue(all(jax.tree.leaves(moved)))
      self.assertEqual(after.step, state.step)
      chex.assert_trees_all_equal(after.memory, state.memory)
      chex.assert_trees_all_equal(
        jax.random.key_data(after.key), jax.random.key_data(state.key)
      )
      chex.assert_trees_all_equal_structs(after, state)


class SequenceTest(chex.TestCase):
  def test_each_update_has_its_own_batches(self):
    update = sequence(recorder('a'), recorder('b', batches=2), recorder('c'))
    self.assertEqual(update.batches, 4)
    state, metrics = run(update, start(blank(3)))
    np.testing.assert_array_equal(
      state.memory['seen'], [[1, 0], [2, 3], [4, 0]]
    )
    self.assertEqual(len(np.unique(state.memory['draw'])), 3)
    chex.assert_trees_all_equal(metrics, {'a': 0, 'b': 1, 'c': 2})

  def test_later_updates_receive_the_new_state(self):
    both, metrics = run(
      sequence(player_update('generator'), player_update('discriminator')),
      start(),
    )
    # The same two steps, written out.
    key = jax.random.key(KEY_SEED)
    state = start()
    for i, name in enumerate(('generator', 'discriminator')):
      own = Batch(batches(2).tokens[i : i + 1])
      state, last = jax.jit(player_update(name).apply)(
        state, own, jax.random.fold_in(key, i)
      )
    chex.assert_trees_all_close(both.players, state.players, rtol=1e-5)
    np.testing.assert_allclose(metrics['loss'], last['loss'], rtol=1e-5)
    self.assertEqual(metrics['seen'], 2)
    self.assertIn('generator_grad_norm', metrics)


class TogetherTest(chex.TestCase):
  def test_shares_batches_and_key(self):
    update = together(recorder('a'), recorder('b'))
    self.assertEqual(update.batches, 1)
    state, metrics = run(update, start(blank(2)))
    np.testing.assert_array_equal(state.memory['seen'], [[1, 0], [1, 0]])
    self.assertEqual(*state.memory['draw'])
    chex.assert_trees_all_equal(metrics, {'a': 0, 'b': 1})

  def test_parts_may_split_the_key(self):
    """Without `clone`, JAX's key-reuse checker would reject the shared key."""

    def split(name):
      def apply(state, inputs, key):
        del inputs
        return state, {name: jax.random.uniform(jax.random.split(key)[0])}

      return Update(1, apply)

    _, metrics = run(together(split('a'), split('b')), start())
    self.assertEqual(metrics['a'], metrics['b'])


class RepeatTest(chex.TestCase):
  def test_matches_a_loop(self):
    update = repeat(player_update('discriminator'), 3)
    self.assertEqual(update.batches, 3)
    got, metrics = run(update, start())
    state, seen = start(), []
    key = jax.random.split(jax.random.key(KEY_SEED))[1]
    step = jax.jit(player_update('discriminator').apply)
    for i in range(3):
      own = Batch(batches(3).tokens[i : i + 1])
      state, last = step(state, own, jax.random.fold_in(key, i))
      seen.append(int(last['seen']))
    self.assertEqual(seen, [1, 2, 3])
    chex.assert_trees_all_close(got.players, state.players, rtol=1e-5)
    chex.assert_trees_all_close(metrics, last, rtol=1e-5)

  def test_fresh_batches_and_keys(self):
    update = repeat(recorder('a', batches=2), 3)
    self.assertEqual(update.batches, 6)
    state, metrics = run(update, start(blank(3)))
    np.testing.assert_array_equal(
      state.memory['seen'], [[1, 2], [3, 4], [5, 6]]
    )
    self.assertEqual(len(np.unique(state.memory['draw'])), 3)
    self.assertEqual(metrics['a'], 2)  # the last repetition's

  def test_draws_of_an_iteration_differ(self):
    def prepare(state, inputs, key):
      del state
      draws.append(jax.random.uniform(key))
      return inputs

    draws = []
    update = sequence(
      repeat(recorder('a'), 2, prepare),
      repeat(recorder('b'), 3, prepare),
      recorder('c'),
    )
    # Without jit, the draws of `prepare` can be recorded.
    state, _ = update.apply(start(blank(6)), batches(6), jax.random.key(0))
    everything = [*map(float, draws), *state.memory['draw'].tolist()]
    self.assertEqual(len(everything), 2 + 6)
    self.assertEqual(len(set(everything)), 2 + 6)

  def test_prepare_runs_once_before_the_first_step(self):
    calls = []

    def prepare(state, inputs, key):
      del key
      calls.append(inputs.tokens.shape)
      # The trained player's value shows when it was read.
      w = state.players['discriminator'].params['w']
      rows = jnp.broadcast_to(w, (*inputs.tokens.shape[:2], 3))
      return {'real': inputs, 'fake': rows}

    def discriminator_loss(params, state, inputs, key):
      del state, key
      x = inputs['real'].tokens.mean(0) + inputs['fake'].mean(0)
      value = jnp.sum((params['w'] - x) ** 2)
      return value, {'fake': inputs['fake'][0, 0]}

    update = repeat(
      gradient_update('discriminator', ADAM, discriminator_loss), 3, prepare
    )
    state = start()
    after, metrics = run(update, state)
    self.assertEqual(calls, [(3, 2, 3)])
    old = state.players['discriminator'].params['w'][0]
    self.assertEqual(metrics['fake'], old)
    self.assertNotEqual(after.players['discriminator'].params['w'][0], old)

  def test_every_skips_the_iterations_between(self):
    move = player_update('discriminator')
    update = every(move, 3)
    state = start()
    before = state.players['discriminator'].params['w']
    for step in range(7):
      now = state.replace(step=jnp.int32(step))
      after, metrics = run(update, now)
      moved = (after.players['discriminator'].params['w'] != before).any()
      self.assertEqual(bool(moved), step % 3 == 0)
      self.assertEqual(metrics, {})


class EmaUpdateTest(chex.TestCase):
  def test_averages_all_groups_but_the_copied_ones(self):
    old = {'w': jnp.full(3, 10.0), 'b': jnp.float32(4)}
    state = start({'average': old, 'other': jnp.ones(2)})
    update = ema_update('average', 'discriminator', 0.75, copied=('b',))
    self.assertEqual(update.batches, 0)
    after, metrics = run(update, state)
    self.assertEqual(metrics, {})
    params = state.players['discriminator'].params
    want = {'w': 0.75 * old['w'] + 0.25 * params['w'], 'b': params['b']}
    chex.assert_trees_all_close(after.memory['average'], want, rtol=1e-6)
    chex.assert_trees_all_equal(after.memory['other'], jnp.ones(2))
    chex.assert_trees_all_equal(after.players, state.players)


class RingUpdateTest(chex.TestCase):
  def test_puts_samples_of_the_state_into_the_buffer(self):
    def sample(state, batches, key):
      rows = jax.random.randint(key, (batches.tokens.shape[1], 3), 0, 9)
      return rows + state.step

    state = start({'past': ring.create(5, 3), 'other': jnp.ones(2)})
    update = ring_update('past', sample)
    self.assertEqual(update.batches, 0)
    after, metrics = run(update, state)
    self.assertEqual(metrics, {})
    want = sample(state, batches(1), jax.random.key(KEY_SEED))
    np.testing.assert_array_equal(after.memory['past'].rows[:2], want)
    self.assertEqual(int(after.memory['past'].count), 2)
    chex.assert_trees_all_equal(after.memory['other'], jnp.ones(2))
    chex.assert_trees_all_equal(after.players, state.players)
    again, _ = run(update, after, seed=8)
    np.testing.assert_array_equal(again.memory['past'].rows[:2], want)
    self.assertEqual(int(again.memory['past'].count), 4)


class RememberTest(chex.TestCase):
  def test_metrics_become_entries_of_the_memory(self):
    def apply(state, batches, key):
      del batches, key
      return state, {'kept': state.memory['kept'] + 1, 'other': jnp.ones(2)}

    state = start({'kept': jnp.float32(1), 'rest': jnp.zeros(3)})
    update = repeat(remember(Update(1, apply), ('kept',)), 3)
    self.assertEqual(update.batches, 3)
    after, metrics = run(update, state)
    self.assertEqual(set(metrics), {'kept', 'other'})
    chex.assert_trees_all_equal(
      after.memory, {'kept': jnp.float32(4), 'rest': jnp.zeros(3)}
    )
    chex.assert_trees_all_equal(after.players, state.players)
