"""JSDGAN on a text file of your own.

Paper: Li et al. 2019, discrete sequences without a network for a discriminator.
Setting: LSTM 32; 78,000 iterations at 0.01, batch 64.

Published: none, the corpus is yours.

python launch.py --config=configs/jsdgan_text.py --config.data.path=FILE
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.jsdgan, common.text, variant)
