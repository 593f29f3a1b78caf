"""Toy-size settings and parameters that the tests share."""

import pytest

from moegan_jax import config

# Section -> sizes; those that a section does not have are skipped.
_SIZES = {
  'generator': {'embed': 3, 'hidden': 3, 'head_size': 2, 'mlp_layers': 1},
  'discriminator': {
    'embed': 4,
    'widths': (2, 3),
    'filters': 3,
    'features': 4,
    'hidden': 3,
  },
  'pool': {'negatives': 6, 'passes': 2, 'pretraining': 2},
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
  if c.generator.latent:
    config.select(c, 'generator', latent=2)
  for section, sizes in _SIZES.items():
    for key, value in sizes.items():
      if key in c.get(section, {}):
        c = config.override(c, {f'{section}.{key}': value})
  if 'representations' in c.get('discriminator', {}):
    representations = c.discriminator.representations
    c.discriminator.representations = min(representations, 2)
  return change(c, **changes)


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
