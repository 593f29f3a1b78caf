"""GSGAN with and without likelihood pre-training, and with hard feedback.

The paper uses a toy grammar and gives no numbers.

Ours: not run yet.

moegan-jax sweep --grid=gsgan_start:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'gsgan:{variant}'),
    'seeds': 5,
    'cells': {
      'pretrained': {},
      'from_scratch': {'mle.epochs': 0},
      'hard_feedback': {'game.feedback': 'hard'},
    },
  }
