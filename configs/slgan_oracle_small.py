"""SLGAN on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.
Ours (five seeds, one CPU core; results/SMALL_ORACLE.md), start then last:
Jeffreys 18.383 then 10.160, NLL_oracle 8.800 then 10.230.

python launch.py --config=configs/slgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.oracle_small, variant)
