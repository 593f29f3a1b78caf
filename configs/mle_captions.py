"""The maximum-likelihood baseline on the embedded captions grammar.

No published numbers.

python launch.py --config=configs/mle_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.captions, variant)
