"""FM-GAN: the feature mover's distance between real and generated batches.

Paper: Chen et al. 2018, Adversarial Text Generation via Feature-Mover's
Distance.
Setting: the IPOT solver of the paper; sizes and rates of its code for COCO.
Differences from that code:
* The features are those of a pooled CNN, not of strided layers with tanh.
* The readout is not tied to the embedding, whose rows are not normalised.
* Learning rates do not decay.
* The solver is IPOT. The code trains with solver='sinkhorn-divergence',
  epsilon=1 and iterations=40.
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
