"""The maximum-likelihood baseline on EMNLP2017 WMT News.

Published BLEU-2..5 (RelGAN and MoEGAN papers): .768 .473 .240 .126; NLL_gen
2.382.

python launch.py --config=configs/mle_emnlp.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.emnlp, variant)
