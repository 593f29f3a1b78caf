"""SLGAN on the synthetic benchmark, length 20.

Paper: SLGAN, text generation driven by a sequence contrast loss.
Setting: GRU 32, G_d 32; 31,200 iterations at 0.001, batch 64.

Published: a curve of NLL_oracle without numbers.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), start then last: Jeffreys 21.130 then 13.006, NLL_oracle
11.099 then 12.488.

python launch.py --config=configs/slgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.synthetic20, variant)
