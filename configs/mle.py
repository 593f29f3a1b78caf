"""Maximum likelihood: the LSTM baseline of SeqGAN, Texygen and most papers.

Setting: an LSTM of 32, Adam at .01, batch 64; 120 epochs on synthetic data as
in SeqGAN, 80 epochs on text as in Texygen.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='seqgan')
  c.mle.batch = 64
  c.mle.epochs = 120 if c.data.name == 'oracle' else 80


def get_config(variant: str = ''):
  return experiment('mle', paper, variant)
