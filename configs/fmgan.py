"""FM-GAN: the feature mover's distance between real and generated batches.

Paper: Chen et al. 2018.
Setting: the paper's IPOT, sizes and rates of its COCO code. Differences from
that code: the features are those of the pooled CNN, not of strided layers with
tanh; the readout is not tied to the embedding, whose rows are not normalised;
rates do not decay. The code trains with solver='sinkhorn-divergence',
epsilon=1, iterations=40.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', latent=128, embed=300, hidden=100)
  c.discriminator.update(embed=300, features=128, dropout=0.0)
  c.mle.update(batch=320, epochs=80, lr=1e-3)
  c.adversarial.update(batch=320, g_steps=3, d_steps=1, g_lr=1e-5, d_lr=1e-5)
  select(c, 'game', schedule='constant')
  c.game.update(relaxation='soft_argmax', beta=100.0, feedback='soft')


def get_config(variant: str = ''):
  return experiment('fmgan', paper, variant)
