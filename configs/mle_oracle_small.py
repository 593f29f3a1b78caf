"""The maximum-likelihood baseline on the small oracle (500 words, length 20).

No published numbers.

python launch.py --config=configs/mle_oracle_small.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.oracle_small, variant)
