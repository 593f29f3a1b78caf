"""CatGAN: RelGAN's players, and a generator that evolves through mutations.

Paper: Liu et al. 2020, CatGAN: Category-Aware Generative Adversarial Networks
with Hierarchical Evolutionary Learning for Category Text Generation.
Setting: that of its released code for text without categories (EvoGAN). Memory
core of 1 slot of 512, 64 representations, 150 epochs of likelihood at .01,
2,000 iterations at .0001, batch 64, k = 3 updates of D. The maximal inverse
temperature is 100 on text and 1 on synthetic data.
"""

from moegan_jax.config import experiment


def paper(c):
  c.generator.update(flavour='textgan', init='textgan')
  c.discriminator.update(representations=64, init='uniform', highway='tied')
  c.mle.batch = 64
  c.adversarial.update(batch=64, d_steps=3, steps=2000)
  c.game.update(loss='ragan', reduce='mean')
  if c.data.name == 'oracle':
    c.game.beta = 1.0


def get_config(variant: str = ''):
  return experiment('catgan', paper, variant)
