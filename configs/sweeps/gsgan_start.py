"""GSGAN with and without a likelihood start.

The paper has a toy grammar and no numbers.

Ours: not run yet.

python -m moegan_jax.sweep --grid=configs/sweeps/gsgan_start.py:small
Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller,
:small is the small oracle; :captions, :emnlp, :synthetic20, :synthetic40.
"""

from configs import common, papers


def get_sweep(variant: str = ''):
  return {
    'base': common.bench(papers.gsgan, variant),
    'seeds': 5,
    'cells': {
      'pretrained': {},
      'from_scratch': {'mle.epochs': 0},
      'hard_feedback': {'game.feedback': 'hard'},
    },
  }
