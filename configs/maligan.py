"""MaliGAN: samples reweighted by the density ratio of the discriminator.

Paper: Che et al. 2017, Maximum-Likelihood Augmented Discrete Generative
Adversarial Networks.
Setting: players, pools and rates of SeqGAN. 80 epochs of likelihood, 200
iterations of one pool, with g = 50 updates of G on synthetic data and 1 on
text, as in TextGAN-PyTorch.
Left open: the schedule of the baseline and of the prefix. Here both are linear
over the run.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c, l2=0.2)
  c.mle.update(batch=64, epochs=80)
  c.adversarial.update(batch=64, steps=200, d_steps=1, g_lr=1e-2)
  c.adversarial.g_steps = 50 if c.data.name == 'oracle' else 1
  c.maligan.horizon = c.adversarial.steps


def get_config(variant: str = ''):
  return experiment('maligan', paper, variant)
