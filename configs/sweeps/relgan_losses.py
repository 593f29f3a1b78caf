"""RelGAN with every adversarial loss of the table.

Published as curves of three of them, standard, hinge and the relativistic
standard loss (`rsgan` here), which was chosen.

Ours: not run yet.

python -m moegan_jax.sweep --grid=configs/sweeps/relgan_losses.py:small
Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller,
:small is the small oracle; :captions, :emnlp, :synthetic20, :synthetic40.
"""

from configs import common, papers

LOSSES = ('rsgan', 'standard', 'js', 'kl', 'hinge', 'tv', 'ls', 'wgan-gp')
LOSSES += ('ragan', 'rals', 'rahinge')


def get_sweep(variant: str = ''):
  return {
    'base': common.bench(papers.relgan, variant),
    'seeds': 5,
    'cells': {name.replace('-', '_'): {'game.loss': name} for name in LOSSES},
  }
