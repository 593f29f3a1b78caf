"""JSDGAN: the Jensen-Shannon divergence of an explicit density, without D.

Paper: Li et al. 2019.
Setting: that of TextGAN-PyTorch, an LSTM of 32, 500 epochs of 10,000 lines at
.01, batch 64, no pre-training.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='textgan_normal')
  select(c, 'mle', epochs=0)
  c.adversarial.update(batch=64, g_lr=1e-2, steps=500 * 156)


def get_config(variant: str = ''):
  return experiment('jsdgan', paper, variant)
