"""CCL with and without its contrastive loss (Eq 3), at several temperatures.

Published on COCO, BLEU-2..5 and NLL_gen: .872 .715 .531 .363, .610 with Eq 3;
.813 .630 .445 .312, .683 without it. The paper searched the temperatures .2, .5
and 1 and does not state the selected one.

Ours: not run yet.

moegan-jax sweep --grid=ccl_temperature:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'ccl:{variant}'),
    'seeds': 5,
    'cells': {
      'without': {
        'system': 'moegan',
        'ccl.weight': 0.0,
        'fsa.weight': 0.0,
      },
      'tau_02': {'ccl.temperature': 0.2},
      'tau_05': {'ccl.temperature': 0.5},
      'tau_1': {'ccl.temperature': 1.0},
      'both': {'ccl.updates': 'both'},
    },
  }
