"""SLGAN on the synthetic benchmark, length 20.

Published: a curve of NLL_oracle without numbers.

python launch.py --config=configs/slgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.synthetic20, variant)
