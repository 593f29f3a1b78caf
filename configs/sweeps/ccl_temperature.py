"""CCL with and without Eq 3, and the temperature of its cosines.

Published on COCO, BLEU-2..5 and NLL_gen: with .872 .715 .531 .363, .610;
without .813 .630 .445 .312, .683. The temperature was searched in .2, .5, 1;
the chosen one is not given.

Ours: not run yet.

python -m moegan_jax.sweep --grid=configs/sweeps/ccl_temperature.py:small
Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller,
:small is the small oracle; :captions, :emnlp, :synthetic20, :synthetic40.
"""

from configs import common, papers


def get_sweep(variant: str = ''):
  return {
    'base': common.bench(papers.ccl, variant),
    'seeds': 5,
    'cells': {
      'without': {'system': 'moegan', 'ccl.weight': 0.0},
      'tau_02': {'ccl.temperature': 0.2},
      'tau_05': {'ccl.temperature': 0.5},
      'tau_1': {'ccl.temperature': 1.0},
      'both': {'ccl.updates': 'both'},
    },
  }
