"""JSDGAN on the small LSTM oracle.

Paper: Li et al. 2019, discrete sequences without a network for a discriminator.
Setting: LSTM 32; 6,240 iterations at 0.005, batch 64.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md), start then last: Jeffreys 4.754 +- .015 then
4.789 +- .083, NLL_oracle 8.719 then 5.290.

python launch.py --config=configs/jsdgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.oracle_small, variant)
