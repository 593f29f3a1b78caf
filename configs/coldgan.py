"""ColdGAN: exploration at a low temperature, importance weights, replay.

Paper: Scialom et al. 2020, ColdGANs: Taming Language GANs with Cautious
Sampling Strategies.
Setting: the paper fine-tunes T5 and BART. Here G is the LSTM of SeqGAN after
120 epochs of likelihood, and D the CNN of SeqGAN. Rows are drawn at temperature
.3, one in ten from G itself.
Left open: epsilon, both clips, the size of the replay memory, rates and lengths
have values of our own. `coldgan.temperature=1 coldgan.top_p=.9` explores with a
nucleus.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c, l2=0.2)
  c.mle.update(batch=64, epochs=120)
  c.adversarial.update(batch=64, g_steps=2, d_steps=1, g_lr=1e-3)


def get_config(variant: str = ''):
  return experiment('coldgan', paper, variant)
