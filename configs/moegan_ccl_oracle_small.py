"""MoEGAN plus CCL on the small LSTM oracle.

Paper: MoEGAN's and CCL's, put together here.
Setting: 2 x memory core 1 x 64, D of 1 representation; 10 epochs of likelihood
at 0.005, batch 64, 150 iterations at 0.0001, batch 64, 1 + 5 updates, beta 1.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md), MLE then last: Jeffreys 1.975 +- .005 then
3.482 +- .269, NLL_oracle 5.795 then 4.297.

python launch.py --config=configs/moegan_ccl_oracle_small.py
:smoke is the small variant; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan_ccl, common.oracle_small, variant)
