"""FM-GAN on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.

python launch.py --config=configs/fmgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.fmgan, common.oracle_small, variant)
