"""RelGAN on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.
Ours (five seeds, one CPU core; results/SMALL_ORACLE.md), MLE then last:
Jeffreys 2.080 then 2.453, NLL_oracle 5.965 then 5.092.

python launch.py --config=configs/relgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.oracle_small, variant)
