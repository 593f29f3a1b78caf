"""The maximum-likelihood baseline on a text file of your own.

No published numbers.

python launch.py --config=configs/mle_text.py \
    --config.data.path=FILE
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.text, variant)
