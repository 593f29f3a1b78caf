"""GSGAN on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.

python launch.py --config=configs/gsgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.oracle_small, variant)
