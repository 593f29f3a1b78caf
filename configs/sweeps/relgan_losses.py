"""RelGAN with all adversarial losses of this package.

The paper shows curves of three losses: standard, hinge and the relativistic
standard loss (`rsgan` here), which it selected.

Ours: not run yet.

moegan-jax sweep --grid=relgan_losses:small
"""

from moegan_jax.config import load

LOSSES: tuple[str, ...]
LOSSES = ('rsgan', 'standard', 'js', 'kl', 'hinge', 'tv', 'ls', 'wgan-gp')
LOSSES += ('ragan', 'rals', 'rahinge')


def get_sweep(variant: str = ''):
  return {
    'base': load(f'relgan:{variant}'),
    'seeds': 5,
    'cells': {name.replace('-', '_'): {'game.loss': name} for name in LOSSES},
  }
