"""CCL on EMNLP2017 WMT News.

Published BLEU-2..5: .903 +- .016, .749 +- .022, .525 +- .017, .324 +- .008;
NLL_gen 2.818 +- .499. One Titan RTX, 5 seeds.

python launch.py --config=configs/ccl_emnlp.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.emnlp, variant)
