"""MoEGAN: mixture of experts, relativistic CNN, feature alignment.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 2 experts with a memory core of 1 slot of 512, 1 representation, 150
epochs of likelihood at .01, 2,000 iterations at .0001 with g = 1 and k = 5
updates, batch 128, beta 100^(i / 5,000). On synthetic data (Appendix A) 3,000
iterations, beta 1, and 3 experts at length 40.
Left open: the paper's text has 1 representation, RelGAN's code has 64. The
default is 1, and the variant s64 sets 64.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', experts=2)
  if c.data.name == 'oracle':
    c.game.beta = 1.0
    c.generator.experts = 3 if c.data.length > 20 else 2


def get_config(variant: str = ''):
  return experiment('moegan', paper, variant)
