"""GSGAN: LSTM against LSTM through Gumbel-Softmax samples.

Paper: Kusner and Hernández-Lobato 2016, GANs for Sequences of Discrete Elements
with the Gumbel-softmax Distribution.
Setting: temperature annealed from 1 to .1, standard loss.
Left open: sizes and rates, because the paper uses a toy grammar only. Here they
are those of RelGAN's ablation.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='seqgan')
  select(c, 'discriminator', kind='recurrent')
  c.mle.update(batch=64, epochs=80)
  c.adversarial.update(batch=64, d_steps=1)
  c.game.update(loss='standard', beta=10.0, feedback='soft')
  c.game.horizon = c.adversarial.steps


def get_config(variant: str = ''):
  return experiment('gsgan', paper, variant)
