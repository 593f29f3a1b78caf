"""The maximum-likelihood baseline on MS COCO captions.

Published BLEU-2..5 (Texygen, LSTM): .731 .497 .305 .189; NLL_gen .718.

python launch.py --config=configs/mle_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.coco, variant)
