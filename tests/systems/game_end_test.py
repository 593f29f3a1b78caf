"""Input of the discriminator after the end of a sample."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from moegan_jax import decode, systems
from moegan_jax.ops import random
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Batch, Player, TrainState

B, T, V, PAD = 8, 6, 7, 0
SPEC = systems.Spec(V, T, 22, PAD)
TOKENS = jnp.asarray([[3, PAD, 4, PAD, 5, 6], [1, 2, 3, 4, 5, 6]])


def game(end):
  """Returns game, parameters of D, and a state whose G often emits pads."""
  c = toys.settings('relgan', generator__cell='lstm', generator__hidden=3)
  c.mle.batch = B
  c.discriminator.update(representations=2, dropout=0.0)
  c.game.end = end
  made = adversarial_setup(c, SPEC)
  params = jax.jit(made.gan.generator.init)(jax.random.key(0))
  params['head']['bias'] = params['head']['bias'].at[PAD].set(1.0)
  state = TrainState(
    jnp.int32(0), jax.random.key(2), {'generator': Player(params, None)}, {}
  )
  return made.gan, jax.jit(made.disc.init)(jax.random.key(1)), state


def after_the_end(tokens):
  ended = np.cumsum(tokens == PAD, axis=1) > 0
  return np.pad(ended[:, :-1], ((0, 0), (1, 0)))


@pytest.mark.parametrize('end', ['free', 'absorbing'])
def test_tokens_after_the_first_end_symbol(end):
  made, phi, _ = game(end)
  written = jax.random.normal(jax.random.key(0), (2, T, 4))
  read, back = jax.vjp(lambda x: made._ended(phi, TOKENS, x), written)
  want = np.array(written)
  reached = np.ones_like(want)
  if end == 'absorbing':
    want[0, 2:] = phi['embed'][PAD]
    reached[0, 2:] = 0
  np.testing.assert_array_equal(read, want)
  np.testing.assert_array_equal(back(jnp.ones_like(written))[0], reached)


@pytest.mark.parametrize('player', ['generator', 'discriminator'])
def test_samples_of_both_players(player):
  """The samples of both games differ after the end only."""
  key = jax.random.key(3)
  rows = random.row_keys(key, B)

  def read(end):
    made, phi, state = game(end)
    params = state.players['generator'].params
    if player == 'generator':
      tokens = decode.sample(made.generator, params, rows, length=T).tokens
      return tokens, made.relaxed(params, phi, state, B, key).relaxed, phi
    real = Batch(jnp.ones((1, B, T), jnp.int32))
    drawn = jax.tree.map(lambda x: x[0], made._draw(state, real, key))
    return drawn.tokens, made._fake(phi, state, drawn), phi

  tokens, free, phi = read('free')
  same, absorbed, _ = read('absorbing')
  np.testing.assert_array_equal(tokens, same)
  after = after_the_end(np.asarray(tokens))
  assert 0.2 < after.mean() < 0.9
  np.testing.assert_allclose(absorbed[~after], free[~after], rtol=1e-5)
  np.testing.assert_array_equal(
    absorbed[after], np.broadcast_to(phi['embed'][PAD], (after.sum(), 4))
  )
  pad = np.asarray(phi['embed'][PAD])
  assert np.abs(np.asarray(free)[after] - pad).min() > 1e-6
