"""SLGAN: text generation driven by a sequence contrast loss.

Setting: GRU, parameters from N(0, 1), no pre-training, 200 epochs of 10,000
lines; on another corpus as many iterations. Sizes, rates, batch and noise are
not in the paper: Texygen's sizes. "All generators" start at N(0, 1); here that
is G, and G_d, which the paper also calls a generator, has discriminator.init.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='gru', init='standard')
  c.discriminator.update(embed=32, hidden=32, init='seqgan')
  select(c, 'mle', epochs=0)
  c.adversarial.update(batch=64, g_lr=1e-3, d_lr=1e-3, steps=200 * 156)
  c.slgan.horizon = c.adversarial.steps


def get_config(variant: str = ''):
  return experiment('slgan', paper, variant)
