"""GSGAN on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.
Ours (five seeds, one CPU core; results/SMALL_ORACLE.md), MLE then last:
Jeffreys 2.187 then 2.194, NLL_oracle 6.140 then 6.104.

python launch.py --config=configs/gsgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.oracle_small, variant)
