"""Negative results of MoEGAN's authors (Appendix B, Figure 6).

According to the paper none of these helped: the Wasserstein distance in feature
alignment, the Wasserstein and hinge losses, one likelihood update after every
fifteen adversarial iterations in place of pre-training (`interleaved`), and
truncated training samples. The cell `mle_every_15` has both pre-training and
interleaved likelihood updates. The paper does not state k of `top_k` and the
share of `nucleus`, nor the sizes of the Mogrifier LSTM and of the Transformer
discriminator.

Ours: not run yet.

moegan-jax sweep --grid=moegan_negative:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'moegan:{variant}'),
    'seeds': 5,
    'cells': {
      'full': {},
      'wasserstein_alignment': {'fsa.distance': 'wasserstein'},
      'wgan': {'game.loss': 'wgan-gp'},
      'hinge': {'game.loss': 'hinge'},
      'interleaved': {'mle.epochs': 0, 'adversarial.mle_every': 15},
      'mle_every_15': {'adversarial.mle_every': 15},
      'top_k': {'game.top_k': 50},
      'nucleus': {'game.top_p': 0.9},
      'mogrifier': {'generator.cell': 'mogrifier', 'generator.hidden': 128},
      'transformer': {'discriminator.kind': 'transformer'},
    },
  }
