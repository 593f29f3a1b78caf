"""JSDGAN on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.
Ours (five seeds, one CPU core; results/SMALL_ORACLE.md), start then last:
Jeffreys 4.754 then 4.789, NLL_oracle 8.719 then 5.290.

python launch.py --config=configs/jsdgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.oracle_small, variant)
