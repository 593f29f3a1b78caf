"""GSGAN on the embedded captions grammar.

Paper: GANs for Sequences of Discrete Elements with the Gumbel-softmax
Distribution (2016).
Setting: LSTM 32, D LSTM 64; 80 epochs of likelihood at 0.01, batch 64, 2,000
iterations at 0.0001, batch 64, 1 + 1 updates, beta 10^(i / 2,000).

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), MLE then last: Jeffreys 3.669 then 3.700,
NLL_oracle 5.280 then 5.319.

python launch.py --config=configs/gsgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.captions, variant)
