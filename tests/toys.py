"""Toy-size settings and parameters that the tests share."""

import jax
import jax.numpy as jnp
import pytest

from moegan_jax import config, systems
from moegan_jax.types import Batch

# Section -> sizes; those that a section does not have are skipped.
_SIZES = {
  'generator': {
    'embed': 3,
    'hidden': 3,
    'head_size': 2,
    'mlp_layers': 1,
    'goal_size': 2,
    'step_size': 2,
  },
  'discriminator': {
    'embed': 4,
    'widths': (2, 3),
    'filters': 3,
    'features': 4,
    'hidden': 3,
  },
  'pool': {'negatives': 6, 'passes': 2, 'pretraining': 2},
  'mediator': {'embed': 4, 'hidden': 4},
  'coldgan': {'replay': 9, 'pretraining': 2},
  'rollout': {'samples': 2, 'chunk': 1},
  'rank': {'references': 2, 'comparisons': 2},
  'sal': {'hidden': 3, 'references': 2, 'memory': 9},
}


def settings(name: str, **changes):
  """Returns a toy-size configuration of a system.

  Args:
    name: name of a config of the package, with variants.
    **changes: section__key=value.
  """
  c = config.load(name)
  if c.generator.get('latent'):
    config.select(c, 'generator', latent=2)
  for section, sizes in _SIZES.items():
    for key, value in sizes.items():
      if key in c.get(section, {}):
        c = config.override(c, {f'{section}.{key}': value})
  if 'representations' in c.get('discriminator', {}):
    representations = c.discriminator.representations
    c.discriminator.representations = min(representations, 2)
  return change(c, **changes)


def pretrain_discriminator(c, spec, state, text, pools):
  """Trains the discriminator of a system on pools with one real text.

  Args:
    c: a toy-size configuration
    spec: the properties of the corpus
    state: the training state
    text: int32 [T], all the real text
    pools: number of updates

  Returns:
    The state, and metrics with an axis of the updates.
  """
  phase = systems.build(c, spec).phases['discriminate']
  shape = phase.update.batches, phase.batch_size, spec.length
  batch = Batch(jnp.broadcast_to(text, shape))

  def body(state, i):
    key = jax.random.fold_in(jax.random.key(0), i)
    return phase.update.apply(state, batch, key)

  return jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(pools)))(
    phase.enter(state)
  )


def tiers(names, fast):
  """Returns parameters of a test; all but the fast ones are marked slow."""
  return [
    name if name in fast else pytest.param(name, marks=pytest.mark.slow)
    for name in names
  ]


def change(c, **changes):
  """Returns a copy with section__key=value changed."""
  return config.override(
    c, {key.replace('__', '.'): value for key, value in changes.items()}
  )
