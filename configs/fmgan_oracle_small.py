"""FM-GAN on the small LSTM oracle.

Paper: Adversarial Text Generation via Feature-Mover's Distance (NeurIPS 2018).
Setting: LSTM 100 with noise of 32, D of 1 representation; 10 epochs of
likelihood at 0.005, batch 64, 150 iterations at 0.0001, batch 64, 3 + 1
updates, beta 100.

Published: none, experiments in minutes.
Ours: (three seeds, 2,000 samples, one core of an Intel Xeon;
results/SMALL_ORACLE.md), MLE then last: Jeffreys 2.023 +- .016 then
2.040 +- .021, NLL_oracle 5.833 +- .010 then 5.838 +- .016.

python launch.py --config=configs/fmgan_oracle_small.py
:smoke is the small variant.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.fmgan, common.oracle_small, variant)
