"""TextGAN (MMD) on MS COCO captions.

Published (Texygen's port) BLEU-2..5: .593 .463 .277 .207; Self-BLEU-2..5: .942
.931 .804 .746; 3.2 % of its released sentences are distinct.

python launch.py --config=configs/textgan_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.coco, variant)
