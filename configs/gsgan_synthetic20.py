"""GSGAN on the synthetic benchmark, length 20.

Paper: GANs for Sequences of Discrete Elements with the Gumbel-softmax
Distribution (2016).
Setting: LSTM 32, D LSTM 64; 80 epochs of likelihood at 0.01, batch 64, 3,000
iterations at 0.0001, batch 64, 1 + 1 updates, beta 10^(i / 3,000).

Published: none that could be verified.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 3.597 then 3.609, NLL_oracle 9.253
then 9.211.

python launch.py --config=configs/gsgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.synthetic20, variant)
