"""Sign and weight of every loss term of every player."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from moegan_jax import config, systems
from moegan_jax.types import Batch

B, T, V, TRAIN_SIZE = 8, 5, 7, 24
EPOCH = TRAIN_SIZE // B
SPEC = systems.Spec(V, T, TRAIN_SIZE)
pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
STEPS = 8  # updates of one player; the other one is frozen


def settings(name, changes):
  """Returns settings without dropout, so that steps depend on losses only."""
  c = toys.settings(name, generator__cell='lstm', mle__epochs=0)
  c.generator.update(embed=3, hidden=4, init='relgan')
  sizes = {'embed': 4, 'widths': (2,), 'filters': 6, 'hidden': 4}
  sizes |= {'representations': 1, 'dropout': 0.0}
  disc = c.get('discriminator', {})
  for key in sizes.keys() & set(disc):
    disc[key] = sizes[key]
  c.adversarial.update(steps=1000, batch=B, g_steps=1)
  for key, value in {'d_steps': 1, 'g_lr': 3e-3, 'd_lr': 3e-3}.items():
    if key in c.adversarial:
      c.adversarial[key] = value
  c.adversarial.clip = 1e6
  if 'game' in c:
    config.select(c, 'game', schedule='constant', beta=2.0)
  return toys.change(c, **dict(changes))


@functools.cache
def _updates(name, changes, player):
  """Returns the compiled updates of one player on one batch with one key."""
  system = systems.build(settings(name, changes), SPEC)
  phase = system.phases['adversarial']
  update = phase.parts[player]
  shape = (update.batches, B, T)
  batch = Batch(jax.random.randint(jax.random.key(2), shape, 0, V // 2))

  def body(state, _):
    state, metrics = update.apply(state, batch, jax.random.key(3))
    return state, (metrics, state.players[player].params)

  def run(step):
    state = phase.enter(system.init(jax.random.key(1))).replace(step=step)
    return jax.lax.scan(body, state, None, STEPS)[1]

  return jax.jit(run)


def play(name, player, step=0, **changes):
  """Returns metrics and parameters of the updates from a step on."""
  run = _updates(name, tuple(sorted(changes.items())), player)
  return run(jnp.int32(step))


LOWER, HIGHER = -1, 1
SLOW = pytest.mark.slow
LATE = 10 * EPOCH
ALONE = {'game__weight': 0.0}
# Term -> system, changes, player, step, metric, sign of the change. The other
# terms of the player have weight zero.
WANTS = {
  'adversarial, of G': ('relgan', {}, 'generator', 0, 'g_loss', LOWER),
  'adversarial, of D': ('relgan', {}, 'discriminator', 0, 'd_loss', LOWER),
  'feature alignment': ('moegan', ALONE, 'generator', 0, 'fsa', LOWER),
  'contrast': ('ccl', ALONE, 'generator', 0, 'ccl', LOWER),
  'discrepancy, of G': ('textgan', {}, 'generator', 0, 'mmd', LOWER),
  'discrepancy, of D': (
    'textgan',
    {'mmd__weight': 1e4, 'mmd__reconstruction': 0.0, 'mmd__bandwidths': (1.0,)},
    'discriminator',
    0,
    'd_mmd',
    HIGHER,
  ),
  'reconstruction of z': (
    'textgan',
    {'mmd__weight': 0.0, 'mmd__reconstruction': 1e4},
    'discriminator',
    0,
    'd_reconstruction',
    LOWER,
  ),
  "mover's distance, of G": ('fmgan', {}, 'generator', 0, 'fmd', LOWER),
  "mover's distance, of D": ('fmgan', {}, 'discriminator', 0, 'd_fmd', HIGHER),
  'restoring real text': (
    'slgan',
    {'slgan__floor': 1e4},
    'discriminator',
    0,
    'd_same',
    LOWER,
  ),
  'changing samples': (
    'slgan',
    {'slgan__floor': 0.0},
    'discriminator',
    LATE,
    'd_apart',
    HIGHER,
  ),
  'towards what D makes of it': (
    'slgan',
    {'slgan__weight': 1e4, 'slgan__horizon': 1},
    'generator',
    LATE,
    'g_towards',
    LOWER,
  ),
}


FAST = ('textgan', 'fmgan', 'slgan')  # `learning_test` covers the others


@pytest.mark.parametrize(
  'what',
  [
    what if WANTS[what][0] in FAST else pytest.param(what, marks=SLOW)
    for what in WANTS
  ],
)
def test_player_moves_its_term_in_the_expected_direction(what):
  name, changes, player, step, metric, side = WANTS[what]
  metrics, _ = play(name, player, step, **changes)
  values = np.asarray(metrics[metric])
  assert side * (values[-1] - values[0]) > 1e-3 * abs(values[0]), values


@pytest.mark.parametrize(
  'step, g_steps, weight',
  [
    (0, 1, 1.0),
    (5 * EPOCH, 1, 0.5),
    (8 * EPOCH, 1, 0.2),
    (20 * EPOCH, 1, 0.2),
    # With two batches in an iteration, an epoch has half as many iterations.
    (5 * (EPOCH // 2) - 1, 2, 0.6),
    (5 * (EPOCH // 2), 2, 0.5),
  ],
)
def test_slgan_restoring_weight(step, g_steps, weight):
  """Equation 1: lambda decreases by alpha per epoch, down to its floor."""
  rules = {'slgan__floor': 0.2, 'slgan__decay': 0.1}
  rules['adversarial__g_steps'] = g_steps
  metrics, _ = play('slgan', 'discriminator', step, **rules)
  np.testing.assert_allclose(
    metrics['d_loss'][0],
    weight * metrics['d_same'][0] - metrics['d_apart'][0],
    rtol=1e-5,
  )


def test_slgan_pull_grows_by_epochs():
  """Equation 4: the weight grows linearly from zero to its full value."""

  def first(step, weight):
    rules = {'slgan__weight': weight, 'slgan__horizon': 4 * EPOCH}
    _, params = play('slgan', 'generator', step, **rules)
    return [x[0] for x in jax.tree.leaves(params)]

  def same(one, two):
    return all(np.allclose(a, b, atol=1e-7) for a, b in zip(one, two))

  without = first(0, 4.0)
  assert same(first(EPOCH - 1, 8.0), without)
  half = first(2 * EPOCH, 8.0)
  assert not same(half, without)
  assert same(half, first(4 * EPOCH, 4.0))
  assert same(half, first(9 * EPOCH, 4.0))
