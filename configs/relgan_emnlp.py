"""RelGAN on EMNLP2017 WMT News.

Published BLEU-2..5 (beta_max 100): .881 +- .013, .705 +- .019,
.501 +- .023, .319 +- .018; NLL_gen 2.482 +- .031. 6 seeds.

python launch.py --config=configs/relgan_emnlp.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.emnlp, variant)
