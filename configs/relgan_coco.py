"""RelGAN on MS COCO captions.

Published BLEU-2..5 (beta_max 100): .849 +- .030, .687 +- .047,
.502 +- .048, .331 +- .044; NLL_gen .756 +- .054. 6 seeds.

python launch.py --config=configs/relgan_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.coco, variant)
