"""TextGAN: feature matching by maximum mean discrepancy.

Paper: Zhang et al. 2017, Adversarial Feature Matching for Text Generation.
Setting: sizes and rates of its released code. Differences from that code:
* Likelihood pre-training replaces the autoencoder. It draws new noise for each
  sentence and trains the generator only.
* z contains no code word.
* There is no label smoothing.
* The discrepancy is squared, as in the paper.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', latent=900)
  c.generator.update(embed=300, hidden=500, prior='uniform')
  c.discriminator.update(embed=300, widths=(3, 4, 5), highway='none')
  c.discriminator.update(features=0, activation='tanh', dropout=0.0)
  c.mle.update(batch=256, epochs=80, lr=1e-3)
  c.adversarial.update(batch=256, d_steps=1, g_lr=5e-5)
  # Weight 0: the generator minimises the discrepancy only.
  select(c, 'game', schedule='constant', loss='standard', weight=0.0)
  c.game.update(relaxation='soft_argmax', beta=1000.0, feedback='soft')


def get_config(variant: str = ''):
  return experiment('textgan', paper, variant)
