"""CCL: counter-contrastive learning on one expert, without alignment.

Paper: Counter-Contrastive Learning for Language GANs (Findings of EMNLP 2021).
Setting: memory core of 1 slot of 512, 1 representation, batch 128, 150 epochs
of likelihood, 2,000 iterations; on synthetic data 3,000 iterations and beta 1.
Left open: the temperature. The paper searched .2, .5 and 1. Here it is .5.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'ccl', weight=1.0)
  if c.data.name == 'oracle':
    c.game.beta = 1.0


def get_config(variant: str = ''):
  return experiment('ccl', paper, variant)
