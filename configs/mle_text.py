"""The maximum-likelihood baseline on a text file of your own.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 80 epochs of likelihood at 0.01, batch 64.

Published: none, the corpus is yours.

python launch.py --config=configs/mle_text.py --config.data.path=FILE
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.text, variant)
