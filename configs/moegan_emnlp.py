"""MoEGAN on EMNLP2017 WMT News.

Published BLEU-2..5 (Table 3): .910 +- .015, .769 +- .021, .568 +- .026,
.374 +- .023; NLL_gen 2.480 +- .025. One Titan RTX, 5 seeds.

python launch.py --config=configs/moegan_emnlp.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.emnlp, variant)
