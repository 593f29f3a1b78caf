"""GSGAN on the embedded captions grammar.

Paper: GANs for Sequences of Discrete Elements with the Gumbel-softmax
Distribution (2016).
Setting: LSTM 32, D LSTM 64; 80 epochs of likelihood at 0.01, batch 64, 2,000
iterations at 0.0001, batch 64, 1 + 1 updates, beta 10^(i / 2,000).

Published: none, this grammar is ours.
Ours: not run yet.

python launch.py --config=configs/gsgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.captions, variant)
