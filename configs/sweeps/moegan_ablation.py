"""Ablation of MoEGAN (Figures 2 and 3), and MoEGAN with CCL (`contrast`).

Published on COCO as curves without numbers: removing the mixture hurts most,
then removing feature alignment. The full model has the highest BLEU and the
lowest NLL_gen.

moegan-jax sweep --grid=moegan_ablation:small

Ours at :small (three seeds, one core of an AMD EPYC; results/SMALL_ORACLE.md),
Jeffreys divergence after adversarial training: full 2.440, no_mixture 2.460,
no_alignment 2.434, neither 2.452.
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'moegan:{variant}'),
    'seeds': 5,
    'cells': {
      'full': {},
      'no_mixture': {'generator.experts': 1},
      'no_alignment': {'fsa.weight': 0.0},
      'neither': {'generator.experts': 1, 'fsa.weight': 0.0},
      'contrast': {'ccl.weight': 1.0},
    },
  }
