"""CCL with and without Eq 3, and the temperature of its cosines.

Published on COCO, BLEU-2..5 and NLL_gen: with .872 .715 .531 .363, .610;
without .813 .630 .445 .312, .683. The temperature was searched in .2, .5, 1;
the chosen one is not given.

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
