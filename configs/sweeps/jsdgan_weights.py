"""Sentence weights of JSDGAN: the density, normalised or not.

The paper uses the density itself (`none`), which is close to zero for sentences
of twenty words. `minmax` over the batch is the choice of TextGAN-PyTorch.

Ours: not run yet.

moegan-jax sweep --grid=jsdgan_weights:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'jsdgan:{variant}'),
    'seeds': 5,
    'cells': {
      name: {'jsd.normalise': name} for name in ('minmax', 'softmax', 'none')
    },
  }
