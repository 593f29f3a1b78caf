"""JSDGAN on any text file.

Not a benchmark of the paper.

python launch.py --config=configs/jsdgan_text.py --config.data.path=my.txt
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.text, variant)
