"""SLGAN on the embedded captions grammar.

Paper: SLGAN, text generation driven by a sequence contrast loss.
Setting: GRU 32, G_d 32; 31,200 iterations at 0.001, batch 64.

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), start then last: Jeffreys 26.977 then 11.144,
NLL_oracle 13.381 then 12.135.

python launch.py --config=configs/slgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.captions, variant)
