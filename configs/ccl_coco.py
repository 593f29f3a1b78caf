"""CCL on MS COCO captions.

Published BLEU-2..5: .871 +- .032, .715 +- .050, .538 +- .068, .399 +- .082;
NLL_gen .630 +- .103. One Titan RTX, 5 seeds.

python launch.py --config=configs/ccl_coco.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.coco, variant)
