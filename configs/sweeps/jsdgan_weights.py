"""What JSDGAN weighs a sentence by: its density, normalised or not.

The paper has the density itself (`none`), which is next to nothing for
sentences of twenty words; `minmax` over the batch is TextGAN-PyTorch's.

Ours: not run yet.

python -m moegan_jax.sweep --grid=configs/sweeps/jsdgan_weights.py:small
Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller,
:small is the small oracle; :captions, :emnlp, :synthetic20, :synthetic40.
"""

from configs import common, papers


def get_sweep(variant: str = ''):
  return {
    'base': common.bench(papers.jsdgan, variant),
    'seeds': 5,
    'cells': {
      name: {'jsd.normalise': name} for name in ('minmax', 'softmax', 'none')
    },
  }
