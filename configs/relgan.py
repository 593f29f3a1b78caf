"""RelGAN: relational memory, Gumbel-Softmax, many representations.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core of 1 slot of 512, 64 representations, 150 epochs of
likelihood at .01, 2,000 iterations (3,000 on synthetic data) at .0001 with g =
1 and k = 5 updates, batch 64. The maximal inverse temperature, which 5,000
iterations would reach, is 100 on text. On synthetic data it is 1 at length 20
and 2 at length 40.
"""

from moegan_jax.config import experiment


def paper(c):
  c.generator.flavour = 'relgan'
  c.discriminator.representations = 64
  c.mle.batch = 64
  c.adversarial.batch = 64
  if c.data.name == 'oracle':
    c.game.beta = 2.0 if c.data.length > 20 else 1.0


def get_config(variant: str = ''):
  return experiment('relgan', paper, variant)
