"""SeqGAN: rollouts, policy gradients, a CNN with 12 filter widths.

Paper: Yu et al. 2017, SeqGAN: Sequence Generative Adversarial Nets with Policy
Gradient.
Setting: that of its released code. An LSTM of 32, 120 epochs of likelihood, 50
pools of 10,000 samples for D with 3 passes each, then iterations of g = 1
update of G and d = 5 pools with k = 3 passes. 16 completions of each prefix. G
has Adam at .01 in both phases, D at .0001. There are 200 iterations, as in
TextGAN-PyTorch, and not 800.
Differences from the code: the gradient of D is clipped at 5, too, and D has one
logit in place of two.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c, l2=0.2)
  c.mle.update(batch=64, epochs=120)
  c.adversarial.update(batch=64, steps=200, g_lr=1e-2)


def get_config(variant: str = ''):
  return experiment('seqgan', paper, variant)
