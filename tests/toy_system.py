"""A registered system with four phases and a memory.

It pre-trains the generator by likelihood, then the discriminator, plays the
relaxed game, and polishes the generator by likelihood. During the game its
memory holds a moving average of the generator's parameters and a ring buffer of
its samples. `register` adds it to the systems.
"""

import sys

import jax
import jax.numpy as jnp
import tiny

from moegan_jax import config, decode, systems
from moegan_jax.config import training
from moegan_jax.experiment import train_app
from moegan_jax.ops import random
from moegan_jax.systems import assembly
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.systems.likelihood import likelihood_phase
from moegan_jax.types import Phase, Role, Update
from moegan_jax.updates import sequence

RING = 6  # samples in the ring buffer
ROWS = 2  # of them written in an iteration
SETTINGS = {
  **tiny.HUNDRED,
  **tiny.GAME,
  **tiny.CURVES,
  **tiny.STEPWISE,
  # One call per measure, because likelihoods of captions take most time.
  'eval.samples': 20,
  'eval.final_samples': 20,
  'eval.chunk': 20,
  'num_seeds': 2,
  'data.limit': 0,
  'discriminator.representations': 1,
  'adversarial.steps': 7,
  'adversarial.d_steps': 1,
  'adversarial.eval_every': 3,
  'toy.judge_steps': 5,
  'toy.polish_steps': 4,
  'log_every': 2,
}


def section() -> dict:
  """Returns the settings of the section `toy`."""
  return {
    'judge_steps': 10,  # iterations of discriminator pre-training
    'polish_steps': 10,  # iterations of likelihood at the end
    'decay': 0.9,  # of the moving average
  }


def build(config, spec):
  """Builds the system from the sections of a configuration."""
  setup = adversarial_setup(config, spec)
  train, own = setup.train, config.toy
  generator = setup.generator_updates()
  discriminator = setup.discriminator_updates()
  polish, adam = likelihood_phase(spec, train.gen, **config.mle)
  fresh = assembly.fresh_optimizers(
    generator=train.g_adam, discriminator=train.d_adam
  )
  batch = config.adversarial.batch
  phases = {
    'warm': train.pretrain,
    'judge': Phase(
      own.judge_steps, batch, discriminator, fresh, False, Role.DISCRIMINATOR,
      'judging',
    ),
    'duel': Phase(
      config.adversarial.steps,
      batch,
      remembering(train.gen, spec, sequence(generator, discriminator), own),
      fresh,
      False,
      Role.ADVERSARIAL,
      'duel',
      config.adversarial.eval_every,
    ),
    'polish': polish._replace(
      steps=own.polish_steps,
      enter=assembly.fresh_optimizers(generator=adam),
      label='polished',
    ),
  }  # fmt: skip

  def memory(players):
    return {
      'average': jax.tree.map(jnp.copy, players['generator'].params),
      'ring': jnp.full((RING, spec.length), -1, jnp.int32),
    }

  return assembly.system(
    spec,
    train.gen,
    players={
      'generator': (train.gen.init, train.likelihood),
      'discriminator': (setup.disc.init, train.d_adam),
    },
    phases=phases,
    critique=assembly.disc_critique(setup.disc),
    memory=memory,
  )


def remembering(gen, spec, update: Update, own) -> Update:
  """Returns an update that also updates the memory."""

  def apply(state, batch, key):
    k_update, k_samples = jax.random.split(key)
    state, metrics = update.apply(state, batch, k_update)
    params = state.players['generator'].params
    rows = random.row_keys(k_samples, ROWS)
    written = decode.sample(gen, params, rows, length=spec.length).tokens
    at = (state.step * ROWS + jnp.arange(ROWS)) % RING
    memory = {
      'average': jax.tree.map(
        lambda old, new: own.decay * old + (1 - own.decay) * new,
        state.memory['average'],
        params,
      ),
      'ring': state.memory['ring'].at[at].set(written),
    }
    return state.replace(memory=memory), metrics

  return Update(update.batches, apply)


def register() -> None:
  """Adds the system to the tables of systems and of settings."""
  systems.SYSTEMS['toy'] = build
  training.SYSTEMS['toy'] = {**training.SYSTEMS['relgan'], 'toy': section}


def unregister() -> None:
  """Undoes `register`."""
  del systems.SYSTEMS['toy'], training.SYSTEMS['toy']


def settings(**changes):
  """Returns a toy-size configuration; changes are section__key=value."""
  made = config.as_system(config.load('relgan:captions'), 'toy')
  changes = {key.replace('__', '.'): v for key, v in changes.items()}
  return config.override(made, SETTINGS | changes)


if __name__ == '__main__':
  register()
  sys.exit(train_app.run(settings(mesh__data=int(sys.argv[2])), sys.argv[1]))
