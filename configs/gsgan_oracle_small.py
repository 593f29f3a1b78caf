"""GSGAN on the small LSTM oracle.

Paper: GANs for Sequences of Discrete Elements with the Gumbel-softmax
Distribution (2016).
Setting: LSTM 32, D LSTM 64; 10 epochs of likelihood at 0.005, batch 64, 150
iterations at 0.0001, batch 64, 1 + 1 updates, beta 10^(i / 150).

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md), MLE then last: Jeffreys 2.187 +- .028 then
2.194 +- .028, NLL_oracle 6.140 then 6.104.

python launch.py --config=configs/gsgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.oracle_small, variant)
