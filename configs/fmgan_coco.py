"""FM-GAN on MS COCO captions.

No published number on this corpus that could be verified.

python launch.py --config=configs/fmgan_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.fmgan, common.coco, variant)
