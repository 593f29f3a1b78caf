"""CCL on the small LSTM oracle.

Paper: Counter-Contrastive Learning for Language GANs (Findings of EMNLP 2021).
Setting: memory core 1 x 64, D of 1 representation; 10 epochs of likelihood at
0.005, batch 64, 150 iterations at 0.0001, batch 64, 1 + 5 updates, beta 1.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md), MLE then last: Jeffreys 1.999 +- .004 then
3.319 +- .227, NLL_oracle 5.847 then 4.438.

python launch.py --config=configs/ccl_oracle_small.py
:smoke is the small variant; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.oracle_small, variant)
