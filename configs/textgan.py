"""TextGAN: matching the features of text by maximum mean discrepancy.

Paper: Zhang et al. 2017, Adversarial feature matching for text generation.
Setting: sizes and rates of its released code. Differences from that code:
likelihood pre-training with noise of its own for each row replaces the
autoencoder, and trains the generator only; no code word in z; no label
smoothing; the squared discrepancy (paper), not its root.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', latent=900)
  c.generator.update(embed=300, hidden=500, prior='uniform')
  c.discriminator.update(embed=300, widths=(3, 4, 5), highway='none')
  c.discriminator.update(features=0, activation='tanh', dropout=0.0)
  c.mle.update(batch=256, epochs=80, lr=1e-3)
  c.adversarial.update(batch=256, d_steps=1, g_lr=5e-5)
  # The generator minimises the discrepancy only.
  select(c, 'game', schedule='constant', loss='standard', weight=0.0)
  c.game.update(relaxation='soft_argmax', beta=1000.0, feedback='soft')


def get_config(variant: str = ''):
  return experiment('textgan', paper, variant)
