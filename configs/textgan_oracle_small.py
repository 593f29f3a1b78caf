"""TextGAN on the small LSTM oracle.

Paper: Adversarial Feature Matching for Text Generation (ICML 2017).
Setting: LSTM 100 with noise of 32, D of 1 representation; 10 epochs of
likelihood at 0.005, batch 64, 150 iterations at 0.0001, batch 64, 1 + 1
updates, beta 1000.

Published: none, experiments in minutes.
Ours: not run yet.

python launch.py --config=configs/textgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.oracle_small, variant)
