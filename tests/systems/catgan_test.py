"""The children of CatGAN against separate updates and loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees

from moegan_jax import decode, systems
from moegan_jax.errors import UserError
from moegan_jax.ops import random
from moegan_jax.systems import catgan
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B = 5, 4, 6
SPEC = Spec(V, T, 30, 0)
RNG = np.random.RandomState(0)
BATCHES = Batch(jnp.asarray(RNG.randint(V, size=(1, B, T)), jnp.int32))
KEY = jax.random.key(2)


def settings(**changes):
  c = toys.settings(
    'catgan', generator__cell='lstm', adversarial__batch=B, mle__batch=B
  )
  return toys.change(c, catgan__evaluations=2, game__horizon=20, **changes)


@functools.cache
def game():
  """Returns the setup and a state within the adversarial phase."""
  setup = adversarial_setup(settings(), SPEC)
  system = systems.build(settings(), SPEC)
  state = system.init(jax.random.key(0))
  state = state.replace(players=trees.noisy(state.players))
  state = system.phases['adversarial'].enter(state)
  return setup, state.replace(step=jnp.int32(setup.gan.start + 5))


@functools.cache
def evolved(losses=('ragan', 'rsgan'), shifts=(0, 8), weights=(1.0, 0.0)):
  """Returns the generator after an update, and the metrics."""
  setup, state = game()
  children = catgan.mutations(
    losses=losses,
    shifts=shifts,
    evaluations=2,
    quality=weights[0],
    diversity=weights[1],
  )
  update = jax.jit(catgan.evolve(setup, children).apply)
  after, metrics = update(state, BATCHES, KEY)
  return after.players['generator'], jax.device_get(metrics)


@pytest.mark.parametrize('weights', [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0)])
def test_the_fittest_child_is_kept(weights):
  alone = [
    evolved((loss,), (shift,), weights)
    for loss in ('ragan', 'rsgan')
    for shift in (0, 8)
  ]
  fitness = [float(metrics['fitness']) for _, metrics in alone]
  assert len(set(fitness)) == 4
  best = int(np.argmax(fitness))
  player, metrics = evolved(weights=weights)
  assert metrics['child'] == best
  np.testing.assert_allclose(metrics['fitness'], fitness[best], rtol=1e-4)
  for a, b in zip(
    jax.tree.leaves(player), jax.tree.leaves(alone[best][0]), strict=True
  ):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_opposite_weights_keep_another_child():
  _, one = evolved(weights=(1.0, 0.0))
  _, other = evolved(weights=(-1.0, 0.0))
  assert one['quality'] > other['quality']


def test_children_keep_the_optimizer_state_of_their_parent():
  player, _ = evolved()
  counts = [x for x in jax.tree.leaves(player.opt_state) if x.dtype == 'int32']
  assert [int(x) for x in counts] == [1]


def test_fitness_equals_the_loop():
  setup, state = game()
  children = catgan.mutations(
    losses=('ragan',), shifts=(0,), evaluations=2, quality=2.0, diversity=0.5
  )
  level = jnp.float32(0.3)
  keys = jax.random.split(KEY, 2)
  got = jax.jit(
    lambda state: catgan.fitness(children, setup.gan, state, level, keys, B)
  )(state)
  params = state.players['generator'].params
  phi = state.players['discriminator'].params
  gen, disc = setup.gan.generator, setup.gan.discriminator
  verdicts, nll = [], []
  for key in keys:
    rows = random.row_keys(key, B)
    beta = 100.0 ** (5 / 20)
    drawn = decode.relax(gen, params, rows, beta, length=T)
    embedded = disc.embed(phi, drawn.relaxed)
    logits = np.asarray(disc.judge(phi, embedded, None).logits, np.float64)
    verdicts.append(1 / (1 + np.exp(-(logits - 0.3))))
    each = jax.nn.log_softmax(decode.teacher_force(gen, params, drawn.tokens))
    each = np.asarray(each)
    for b in range(B):
      for t in range(T):
        nll.append(-each[b, t, drawn.tokens[b, t]])
  quality = np.mean(verdicts)
  np.testing.assert_allclose(got['quality'], quality, rtol=1e-4)
  np.testing.assert_allclose(got['diversity'], np.mean(nll), rtol=1e-4)
  want = 2.0 * 2 * B * quality + 0.5 * np.mean(nll)
  np.testing.assert_allclose(got['fitness'], want, rtol=1e-4)


@pytest.mark.parametrize('shift,step,used', [(1, 5, 6), (-1, 5, 4), (-1, 0, 0)])
def test_a_shift_moves_the_schedule(shift, step, used):
  setup, _ = game()
  children = catgan.mutations(
    losses=('ragan',), shifts=(0,), evaluations=1, quality=1.0, diversity=0.0
  )
  moved = children.mutated(setup.gan, jnp.int32(0), jnp.int32(shift))
  np.testing.assert_allclose(
    moved.beta(jnp.int32(step)), setup.gan.beta(jnp.int32(used))
  )


@functools.cache
def conditional():
  """Returns a conditional system and a state within its game."""
  c = settings(generator__conditional=True, adversarial__d_steps=2)
  system = systems.build(c, SPEC._replace(classes=(0.5, 0.5)))
  state = system.init(jax.random.key(0))
  state = state.replace(players=trees.noisy(state.players))
  state = system.phases['adversarial'].enter(state)
  return system, state.replace(step=jnp.int32(game()[0].gan.start + 5))


def test_losses_with_classes_read_the_labels():
  system, state = conditional()
  update = system.phases['adversarial'].update
  apply = jax.jit(update.apply)
  tokens = jnp.tile(BATCHES.tokens, (update.batches, 1, 1))
  shape = tokens.shape[:2]
  labels = jnp.asarray(RNG.randint(2, size=shape), jnp.int32)
  after, metrics = apply(state, Batch(tokens, labels), KEY)
  other, _ = apply(state, Batch(tokens, 1 - labels), KEY)
  assert np.isfinite(float(metrics['d_loss']))
  for name in ('generator', 'discriminator'):
    one, two = (x.players[name].params for x in (after, other))
    assert any(
      (a != b).any()
      for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    )


def test_samples_have_the_class_of_their_real_text():
  _, state = conditional()
  c = settings(generator__conditional=True)
  setup = adversarial_setup(c, SPEC._replace(classes=(0.5, 0.5)))
  params, phi = (
    state.players[x].params for x in ('generator', 'discriminator')
  )
  gan = setup.gan._replace(by_class=lambda labels: setup.gan.loss)
  labels = jnp.asarray([0, 1] * (B // 2), jnp.int32)
  got = gan.relaxed(params, phi, state, B, KEY, labels)
  want = decode.sample(
    gan.generator,
    params,
    random.row_keys(KEY, B),
    length=T,
    context=jax.nn.one_hot(labels, 2),
  )
  np.testing.assert_array_equal(got.tokens, want.tokens)
  plain = setup.gan.relaxed(params, phi, state, B, KEY, labels)
  assert (plain.tokens != got.tokens).any()


def test_minimax_with_classes_is_refused():
  c = settings(generator__conditional=True, game__form='minimax')
  c = toys.change(c, catgan__losses=('rsgan',), game__loss='rsgan')
  with pytest.raises(UserError, match=r'game\.form=minimax'):
    systems.build(c, SPEC._replace(classes=(0.5, 0.5)))
