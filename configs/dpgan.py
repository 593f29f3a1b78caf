"""DPGAN: a language model as discriminator, which rewards surprising words.

Paper: Xu et al. 2018, Diversity-Promoting GAN: A Cross-Entropy Based Generative
Adversarial Network for Diversified Text Generation.
Setting: that of TextGAN-PyTorch. LSTMs of 32 for G and D, 120 epochs of
likelihood, 5 pools of 10,000 samples for D, then 200 iterations of one update
of G and 4 pools with 2 passes each. Adam at .01 for both.
Differences: in the pre-training of D, too, a pool has 2 passes and not 3. The
paper generates several sentences from an input with a hierarchical decoder;
here G has no input.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='textgan_normal')
  c.discriminator.update(init='textgan_normal')
  c.mle.update(batch=64, epochs=120)
  c.adversarial.update(batch=64, steps=200, d_steps=4, g_lr=1e-2, d_lr=1e-2)
  c.pool.update(passes=2, pretraining=5)


def get_config(variant: str = ''):
  return experiment('dpgan', paper, variant)
