"""Ablation of MoEGAN (Figures 2 and 3), and MoEGAN with CCL (`contrast`).

Published on COCO as curves without numbers: BLEU falls most without the
mixture, and less without feature alignment. The full model has the highest BLEU
and the lowest NLL_gen.

Ours (:small, three seeds, one core of an AMD EPYC,
docs/results/SMALL_ORACLE.md), Jeffreys divergence after adversarial training:
full 2.440, no_mixture 2.460, no_alignment 2.434, neither 2.452.

moegan-jax sweep --grid=moegan_ablation:small
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
