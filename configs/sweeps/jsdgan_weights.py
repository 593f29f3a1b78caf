"""JSDGAN with and without normalised sentence weights.

The weight is the density. The paper does not normalise it (`none`), although it
is close to zero for sentences of twenty words. TextGAN-PyTorch uses `minmax`
over the batch.

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
