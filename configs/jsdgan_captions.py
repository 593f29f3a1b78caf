"""JSDGAN on the embedded captions grammar.

Paper: Li et al. 2019, discrete sequences without a network for a discriminator.
Setting: LSTM 32; 78,000 iterations at 0.01, batch 64.

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), start then last: Jeffreys 12.119 then 6.051,
NLL_oracle 13.386 then 2.929.

python launch.py --config=configs/jsdgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.captions, variant)
