"""SLGAN: text generation driven by a sequence contrast loss.

Setting: GRU, parameters from N(0, 1), no pre-training, 200 epochs of 10,000
lines; as many iterations on other corpora.
Left open: sizes, rates, batch and noise. Sizes here are those of Texygen.
The paper initialises "all generators" from N(0, 1) and calls G_d a generator,
too. Here G starts from N(0, 1), and `discriminator.init` initialises G_d.
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
