"""DGSAN: the discriminator is the ratio of the generator to its past self.

Paper: Montahaei et al. 2019, DGSAN: Discrete Generative Self-Adversarial
Network.
Setting: that of TextGAN-PyTorch, an LSTM of 32, 200 epochs of 10,000 lines at
.01 without a clip, batch 64, no pre-training. The past generator is renewed
each epoch.
Difference: the released code compares probabilities of segments after a real
prefix, which grow from one token to the text, and renews the past generator
when the loss is level, after 10 to 100 epochs.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='textgan')
  select(c, 'mle', epochs=0)
  c.adversarial.update(batch=64, g_lr=1e-2, steps=200 * 156, clip=float('inf'))


def get_config(variant: str = ''):
  return experiment('dgsan', paper, variant)
