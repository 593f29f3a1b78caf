"""What MoEGAN's authors tried without success (Appendix B, Figure 6).

Wasserstein distance in feature alignment, the Wasserstein and hinge losses, one
likelihood update after fifteen iterations of the game in place of pre-training,
truncated training samples: none of them helped. `mle_every_15` has both. The k
and the share of truncation are not in the paper. Their other two, a Mogrifier
LSTM and a Transformer discriminator, are not here.

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
    },
  }
