"""Batch size, representations, and an LSTM for the memory core.

The paper searched batches of 32, 64 and 128 and took 128; with 256 there was no
gain. RelGAN: 64 representations are better than one, the memory core is better
than an LSTM. An LSTM of 512 is as wide as the paper's memory.

python -m moegan_jax.sweep --grid=configs/sweeps/moegan_settings.py:small
Without a variant: MS COCO at the paper's scale; :cpu and :smoke are its small
variants, :small is the small oracle.
"""

from configs import common, papers


def get_sweep(variant: str = ''):
  return {
    'base': common.bench(papers.moegan, variant),
    'seeds': 5,
    'cells': {f'batch_{n}': {'adversarial.batch': n} for n in (32, 64, 128)}
    | {
      f'representations_{n}': {'discriminator.representations': n}
      for n in (8, 64)
    }
    | {'lstm': {'generator.cell': 'lstm'} | common.lstm_width(variant)},
  }
