"""What JSDGAN weighs a sentence by: its density, normalised or not.

The paper has the density itself (`none`), which is next to nothing for
sentences of twenty words; `minmax` over the batch is TextGAN-PyTorch's.

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
