"""MaskGAN: fills in blanks, with a reward per token and a critic.

Paper: Fedus et al. 2018, MaskGAN: Better Text Generation via Filling in the
____.
Setting: that of its released code for PTB. LSTMs of 2 layers of 650, half of
the tokens given, discount .89, advantages within 5, clip 10, Adam at 3.9e-5
for G, 5e-4 for D and 5.2e-7 for the critic, two updates of D per update of G,
batch 128 (20 in pre-training).
Ours: 40 epochs of likelihood, 2,000 iterations, and half of the texts masked
everywhere, so that G is a language model, too.
"""

from moegan_jax.config import experiment


def paper(c):
  c.mle.update(batch=20, epochs=40, lr=1e-3, clip=10.0)
  c.adversarial.update(batch=128, d_steps=2, steps=2000)
  c.adversarial.update(g_lr=3.9e-5, d_lr=5e-4, clip=10.0)


def get_config(variant: str = ''):
  return experiment('maskgan', paper, variant)
