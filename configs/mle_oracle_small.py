"""The maximum-likelihood baseline on the small LSTM oracle.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 40 epochs of likelihood at 0.005, batch 64.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md): Jeffreys 2.062 +- .011, NLL_oracle 5.824 +- .010.

python launch.py --config=configs/mle_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.oracle_small, variant)
