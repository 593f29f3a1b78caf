"""Trains on 1 and on 8 virtual devices and prints the results as JSON.

`mesh_test` runs it as a program, because the number of devices is fixed when
JAX starts. Its argument is the function of this file that makes the system.
"""

import json
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import toys

from moegan_jax import systems
from moegan_jax.errors import UserError
from moegan_jax.losses.adversarial import adversarial_loss
from moegan_jax.losses.counter_contrastive import counter_contrastive
from moegan_jax.losses.feature_alignment import feature_alignment
from moegan_jax.ops import random
from moegan_jax.train import loop, mesh
from moegan_jax.train.batches import with_labels
from moegan_jax.types import Phase, Player, Role, TrainState
from moegan_jax.updates import gradient_update, repeat, sequence

B, T, V, F, TRAIN_SIZE, SEEDS, STEPS = 16, 4, 13, 6, 80, 2, 2
CORPUS = jnp.asarray(
  np.random.RandomState(0).randint(0, V, (TRAIN_SIZE, T)), jnp.int32
)
LABELS = np.arange(TRAIN_SIZE, dtype=np.int32) % 3


def toy():
  """Returns a system with losses over the whole batch, row noise and dropout.

  The generator is a table of logits, the discriminator a layer of features.
  """
  play = adversarial_loss('ragan')
  optimizer = optax.adam(1e-2)

  def init(key):
    k_run, k_g, k_d = jax.random.split(key, 3)
    params = {
      'generator': jax.random.normal(k_g, (T, V)),
      'discriminator': jax.random.normal(k_d, (T * V, F)),
    }
    players = {k: Player(v, optimizer.init(v)) for k, v in params.items()}
    return TrainState(jnp.int32(0), k_run, players, {})

  def samples(table, key):
    rows = random.row_keys(key, B)[:, None]
    noise = random.row_gumbel(rows, jnp.arange(T, dtype=jnp.int32)[None], V)
    return jax.nn.softmax(table[None] + noise)

  def features(layer, x, key):
    hidden = random.dropout(x.reshape(B, T * V), key, 0.25)
    return jnp.tanh(hidden @ layer)[:, None]

  def judged(state, table, layer, batch, key):
    k_noise, *keys = jax.random.split(key, 4)
    text = jax.nn.one_hot(batch.tokens, V)
    fake = features(layer, samples(table, k_noise), keys[0])
    real, again = (features(layer, text, k) for k in keys[1:])
    return real, fake, again

  def generator_loss(table, state, batch, key):
    layer = state.players['discriminator'].params
    real, fake, again = judged(state, table, layer, batch, key)
    parts = {
      'game': play.generator(real.sum(-1), fake.sum(-1)),
      'fsa': feature_alignment(real, fake),
      'ccl': counter_contrastive(real, again, fake),
    }
    return sum(parts.values()), parts

  def discriminator_loss(layer, state, batch, key):
    table = state.players['generator'].params
    real, fake, _ = judged(state, table, layer, batch, key)
    value = play.discriminator(real.sum(-1), fake.sum(-1))
    return value, {'d_loss': value}

  update = sequence(
    gradient_update('generator', optimizer, generator_loss),
    repeat(gradient_update('discriminator', optimizer, discriminator_loss), 2),
  )
  return init, {
    'game': Phase(
      4, B, update, lambda state: state, True, Role.ADVERSARIAL, 'GAN'
    )
  }


def moegan_ccl():
  """Returns MoEGAN with CCL at toy size."""
  c = toys.settings('moegan_ccl', generator__cell='lstm', generator__hidden=3)
  c.discriminator.representations = 2
  c.game.loss = 'ragan'
  c.mle.update(epochs=1, batch=B)
  c.adversarial.update(steps=4, batch=B, d_steps=2)
  made = systems.build(c, systems.Spec(V, T, TRAIN_SIZE))
  return made.init, made.phases


def conditional():
  """Returns a conditional generator, whose batches have labels."""
  c = toys.settings('mle', generator__conditional=True)
  c.mle.update(epochs=1, batch=B)
  shares = tuple((np.bincount(LABELS) / TRAIN_SIZE).tolist())
  made = systems.build(c, systems.Spec(V, T, TRAIN_SIZE, classes=shares))
  return made.init, made.phases


def trained(init, phases, seed: int, data: int) -> dict:
  """Returns losses, gradients and program sizes of each phase on a mesh."""
  where = mesh.layout(jax.devices(), SEEDS, seed=seed, data=data)
  state, start, found = loop.init_seeds(init, 0, SEEDS), 0, {}
  for name, phase in phases.items():
    steps = 1 if name == 'adversarial' else STEPS
    state = mesh.place(where, loop.enter(phase, state))
    rows = with_labels(CORPUS, LABELS) if phase.labelled else CORPUS
    compiled = loop.compile_chunk(phase, start, state, rows, layout=where)
    state, report = compiled.call(state, jnp.int32(steps), rows)
    state = mesh.fetch(where, state)
    start += steps
    text = compiled.program.as_text()
    found[name] = {
      'losses': {k: v.tolist() for k, v in loop.means(report, steps).items()},
      'gradients': [x.ravel().tolist() for x in moments(state)],
      'flops': compiled.program.cost_analysis()['flops'],
      # Numbers that are moved between devices.
      'sums': sizes(text, 'all-reduce'),
      'moved': sizes(text, '(?:all-gather|all-to-all|collective-permute)'),
    }
  return found


def moments(state) -> list:
  """Returns Adam's first moments, which average the gradients.

  Parameters are not compared, because Adam turns gradients that are zero up to
  rounding, such as that of the bias of a relativistic logit, into full steps.
  """
  players = state.players.values()
  found = [optax.tree.get(player.opt_state, 'mu') for player in players]
  return jax.tree.leaves(found)


def sizes(text: str, operation: str) -> list[int]:
  """Returns how many numbers each operation of a kind moves."""
  found = []
  for types in re.findall(rf' = (\(.*?\)|\S+) {operation}(?:-start)?\(', text):
    shapes = re.findall(r'\w+\[([\d,]*)\]', types)
    found.append(
      sum(int(np.prod([int(n) for n in s.split(',') if n])) for s in shapes)
    )
  return found


def shape(seeds: int, seed: int = 0, data: int = 0, batch: int = 16):
  """Returns the shape of a mesh, or the error."""
  key = 'adversarial.batch'
  phase = Phase(
    1, batch, None, None, False, Role.ADVERSARIAL, 'GAN', batch_key=key
  )
  try:
    where = mesh.layout(jax.devices(), seeds, seed=seed, data=data)
    mesh.check_batches(where, {'adversarial': phase})
  except UserError as error:
    return str(error)
  return list(where.mesh.devices.shape) if where else None


if __name__ == '__main__':
  jax.config.update('jax_disable_most_optimizations', True)
  cases = {'toy': toy, 'moegan_ccl': moegan_ccl, 'conditional': conditional}
  made = cases[sys.argv[1]]()
  found = {
    'one': trained(*made, 1, 1),
    'eight': trained(*made, 0, 0),
    'shapes': [shape(n) for n in (1, 2, 5, 8, 12)],
    'chosen': [shape(2, 0, 1), shape(3, 1, 1), shape(6, 3, 2)],
    'refused': [
      shape(2, seed=3),
      shape(2, seed=2, data=8),
      shape(2, batch=18),
      shape(2, data=-1),
    ],
  }
  json.dump(found, sys.stdout)
