"""TextGAN (MMD) on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.

python launch.py --config=configs/textgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.oracle_small, variant)
