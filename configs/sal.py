"""SAL: rewards are improvements over past samples of the generator itself.

Paper: Zhou et al. 2020, Self-Adversarial Learning with Comparative
Discrimination for Text Generation.
Setting: players, pools, rollouts and rates of SeqGAN, with 80 epochs of
likelihood as in Texygen, on which the paper evaluates. The weights of better,
worse and indistinguishable are 1, -1 and 0.
Left open: D compares texts by the features of SeqGAN's CNN. The size of the
memory, the number of references and the hidden units of the comparison have
values of our own. The number of iterations is that of `seqgan`.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c)
  c.mle.update(batch=64, epochs=80)
  c.adversarial.update(batch=64, steps=200, g_lr=1e-2)


def get_config(variant: str = ''):
  return experiment('sal', paper, variant)
