"""Compares adversarial recipes with maximum likelihood at its best temperature.

No language GAN has been shown to lower both divergences, KL(p||q) and KL(q||p),
below those of an MLE generator of the same size at its best temperature. These
cells are attempts. All start from the same MLE generator and train the same
architecture. The control is `likelihood`, with as many further likelihood
updates at the same learning rate.

Ours (:small, three seeds, one core of an AMD EPYC): no cell is better than the
control. docs/results/BEYOND_LIKELIHOOD.md has the expectations and the results.

moegan-jax sweep --grid=beyond_likelihood:small
"""

from moegan_jax.config import load


def base(variant: str):
  """Returns RelGAN with one representation and straight-through samples."""
  c = load(f'relgan:{variant}')
  c.discriminator.representations = 1
  c.game.relaxation = 'straight_through'
  return c


PER_TOKEN = {
  'discriminator.kind': 'recurrent',
  'discriminator.per_token': True,
}
ANCHOR = {'adversarial.anchor': 1.0}
FASTER = {'adversarial.g_lr': 1e-3, 'adversarial.d_lr': 1e-3}


def get_sweep(variant: str = ''):
  start = base(variant)
  return {
    'base': start,
    'seeds': 3,
    'cells': {
      'likelihood': {'game.weight': 0.0} | ANCHOR,
      'likelihood_faster': {'game.weight': 0.0} | ANCHOR | FASTER,
      'relaxed': {'game.relaxation': 'gumbel_softmax', 'game.beta': 1.0},
      'hard': {},
      'hard_faster': FASTER,
      'penalty': {'game.loss': 'wgan-gp', **FASTER},
      'per_token': PER_TOKEN | FASTER,
      'batch_256': {'adversarial.batch': 256},
      'alignment_alone': {
        'system': 'moegan',
        'game.weight': 0.0,
        'fsa.weight': 1.0,
        **FASTER,
      },
      'anchored': ANCHOR | FASTER,
      'anchored_per_token': ANCHOR | PER_TOKEN | FASTER,
      'annealed': {
        'game.relaxation': 'gumbel_softmax',
        'game.beta': 10.0,
        'game.horizon': start.adversarial.steps,
      },
    },
  }
