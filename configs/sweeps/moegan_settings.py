"""MoEGAN with other batch sizes, numbers of representations, and an LSTM.

The paper searched batch sizes of 32, 64 and 128 and selected 128; 256 gave no
gain. `base` has one representation and batch size 128 (64 at :cpu and :small).
The cells change the batch size of adversarial training only. RelGAN reports
that 64 representations are better than one, and that the memory core is better
than an LSTM. The LSTM is as wide as the memory, 512 in the paper.

Ours: not run yet.

moegan-jax sweep --grid=moegan_settings:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  base = load(f'moegan:{variant}')
  width = base.generator.heads * base.generator.head_size
  batches = {32, 64, 128} - {base.adversarial.batch}
  return {
    'base': base,
    'seeds': 5,
    'cells': {'base': {}}
    | {f'batch_{n}': {'adversarial.batch': n} for n in sorted(batches)}
    | {
      f'representations_{n}': {'discriminator.representations': n}
      for n in (8, 64)
    }
    | {'lstm': {'generator.cell': 'lstm', 'generator.hidden': width}},
  }
