"""JSDGAN on the synthetic benchmark, length 20.

Paper: Li et al. 2019, discrete sequences without a network for a discriminator.
Setting: LSTM 32; 78,000 iterations at 0.01, batch 64.

Published: none that could be verified.
Ours: not run yet.

python launch.py --config=configs/jsdgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.synthetic20, variant)
