"""JSDGAN on the embedded captions grammar.

Not a benchmark of the paper: its distribution is known.

python launch.py --config=configs/jsdgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.captions, variant)
