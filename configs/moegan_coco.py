"""MoEGAN on MS COCO captions.

Published BLEU-2..5 (Table 3): .963 +- .020, .902 +- .059, .814 +- .072,
.695 +- .076; NLL_gen .639 +- .027. One Titan RTX, 5 seeds.

python launch.py --config=configs/moegan_coco.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common


def get_config(variant: str = ''):
  return common.experiment(common.moegan, common.coco, variant)
