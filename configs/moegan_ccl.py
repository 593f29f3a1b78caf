"""MoEGAN with the counter-contrastive update of CCL in addition.

Setting: that of `moegan.py`, with weight 1 and temperature .5 of CCL. No paper
reports this combination.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', experts=2)
  select(c, 'ccl', weight=1.0)
  if c.data.name == 'oracle':
    c.game.beta = 1.0
    c.generator.experts = 3 if c.data.length > 20 else 2


def get_config(variant: str = ''):
  return experiment('moegan', paper, variant)
