"""SLGAN on the embedded captions grammar.

Not a benchmark of the paper: its distribution is known.

python launch.py --config=configs/slgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.captions, variant)
