"""CCL: counter-contrastive learning on one expert, without alignment.

Paper: CCL, Findings of EMNLP 2021.
Setting: memory core of 1 x 512, 1 representation, batch 128, 150 epochs of
likelihood, 2,000 iterations (3,000 on synthetic data, beta 1). The paper
searched the temperature in .2, .5, 1 and does not give the chosen one.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'ccl', weight=1.0)
  if c.data.name == 'oracle':
    c.game.beta = 1.0


def get_config(variant: str = ''):
  return experiment('ccl', paper, variant)
