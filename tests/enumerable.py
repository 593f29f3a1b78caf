"""A game of few words, whose sequences can all be enumerated."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import toys

from moegan_jax import systems
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.rollout_policy import AVERAGE
from moegan_jax.types import Spec

V, T, B = 3, 3, 4
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)


@functools.cache
def game(pad=None):
  """Returns a PolicyGAN and a state with parameters far from zero."""
  c = toys.settings('seqgan', adversarial__batch=B, mle__batch=B)
  c = toys.change(
    c, policy__reduce='sequence', pool__negatives=5, discriminator__l2=0.3
  )
  spec = Spec(V, T, 20, pad)
  gan = policy_gan(c, spec, **c.policy)
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  rng = np.random.RandomState(1)
  noisy = jax.tree.map(
    lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype),
    {name: player.params for name, player in state.players.items()},
  )
  players = {k: p.replace(params=noisy[k]) for k, p in state.players.items()}
  # The average differs from the generator.
  memory = {AVERAGE: jax.tree.map(lambda x: 0.5 - x, noisy['generator'])}
  return gan, state.replace(players=players, memory=memory)
