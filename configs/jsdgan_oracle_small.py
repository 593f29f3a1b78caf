"""JSDGAN on the small LSTM oracle.

Paper: Li et al. 2019, discrete sequences without a network for a discriminator.
Setting: LSTM 32; 6,240 iterations at 0.005, batch 64.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an Intel Xeon;
results/SMALL_ORACLE.md), start then last: Jeffreys 4.749 +- .006 then
4.637 +- .035, NLL_oracle 8.720 +- .004 then 5.405 +- .058.

python launch.py --config=configs/jsdgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.oracle_small, variant)
