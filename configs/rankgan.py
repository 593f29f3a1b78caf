"""RankGAN: rewards are the rank of a sample among real text.

Paper: Lin et al. 2017, Adversarial Ranking for Language Generation.
Setting: players, pools, rollouts and rates of SeqGAN. 80 epochs of likelihood,
16 references and 16 comparisons, as in Texygen.
Left open: the value of gamma, the scale of the cosines. Texygen has 1. The
number of iterations is that of `seqgan`; Texygen has 100, each with 15 times 3
mini-batches of D.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c)
  c.mle.update(batch=64, epochs=80)
  c.adversarial.update(batch=64, steps=200, g_lr=1e-2)


def get_config(variant: str = ''):
  return experiment('rankgan', paper, variant)
