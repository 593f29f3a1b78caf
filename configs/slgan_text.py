"""SLGAN on a text file of your own.

Paper: SLGAN, text generation driven by a sequence contrast loss.
Setting: GRU 32, G_d 32; 31,200 iterations at 0.001, batch 64.

Published: none, the corpus is yours.

python launch.py --config=configs/slgan_text.py --config.data.path=FILE
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.text, variant)
