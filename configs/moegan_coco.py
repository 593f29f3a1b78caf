"""MoEGAN on MS COCO captions.

Published BLEU-2..5 (Table 3): .963 +- .020, .902 +- .059, .814 +- .072,
.695 +- .076; NLL_gen .639 +- .027. One Titan RTX, 5 seeds.
Ours at :cpu (one seed, two CPU cores, 12 minutes), MLE then MoEGAN: .736 .508
.320 .202 then .746 .520 .332 .208; real text .740 .520 .337 .218.

python launch.py --config=configs/moegan_coco.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.coco, variant)
