"""GSGAN on the synthetic benchmark, length 20.

No published number on this corpus that could be verified.

python launch.py --config=configs/gsgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.gsgan, common.synthetic20, variant)
