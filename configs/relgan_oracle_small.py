"""RelGAN on the small LSTM oracle.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 64, D of 8 representations; 10 epochs of likelihood at
0.005, batch 64, 150 iterations at 0.0001, batch 64, 1 + 5 updates, beta 1.

Published: none, experiments in minutes.
Ours: (five seeds, 10,000 samples, one core of an AMD EPYC;
results/SMALL_ORACLE.md), MLE then last: Jeffreys 2.080 +- .020 then
2.453 +- .077, NLL_oracle 5.965 then 5.092.

python launch.py --config=configs/relgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.oracle_small, variant)
