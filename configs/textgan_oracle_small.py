"""TextGAN (MMD) on the small LSTM oracle.

Not a benchmark of the paper: experiments in minutes.
Ours (three seeds, 2,000 samples, one CPU core; results/SMALL_ORACLE.md), MLE
then last: Jeffreys 2.030 then 2.033, NLL_oracle 5.817 then 5.810.

python launch.py --config=configs/textgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.oracle_small, variant)
