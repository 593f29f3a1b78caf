"""JSDGAN on the synthetic benchmark, length 20.

Paper: Li et al. 2019, discrete sequences without a network for a discriminator.
Setting: LSTM 32; 78,000 iterations at 0.01, batch 64.

Published: none that could be verified.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), start then last: Jeffreys 5.151 then 6.368, NLL_oracle
11.126 then 9.058.

python launch.py --config=configs/jsdgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.synthetic20, variant)
