"""SLGAN on the small LSTM oracle.

Paper: SLGAN, text generation driven by a sequence contrast loss.
Setting: GRU 32, G_d 32; 6,240 iterations at 0.005, batch 64.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md), start then last: Jeffreys 18.383 +- .230 then
10.160 +- .817, NLL_oracle 8.800 then 10.230.

python launch.py --config=configs/slgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.oracle_small, variant)
