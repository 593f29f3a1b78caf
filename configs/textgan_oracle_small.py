"""TextGAN on the small LSTM oracle.

Paper: Adversarial Feature Matching for Text Generation (ICML 2017).
Setting: LSTM 100 with noise of 32, D of 1 representation; 10 epochs of
likelihood at 0.005, batch 64, 150 iterations at 0.0001, batch 64, 1 + 1
updates, beta 1000.

Published: none, experiments in minutes.
Ours: (three seeds, 2,000 samples, one core of an Intel Xeon;
results/SMALL_ORACLE.md), MLE then last: Jeffreys 2.030 +- .008 then
2.037 +- .014, NLL_oracle 5.817 +- .004 then 5.820 +- .025.

python launch.py --config=configs/textgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.oracle_small, variant)
