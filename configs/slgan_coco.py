"""SLGAN on MS COCO captions.

Paper: SLGAN, text generation driven by a sequence contrast loss.
Setting: GRU 32, G_d 32; 31,200 iterations at 0.001, batch 64.

Published: BLEU-2..5 .753 .502 .348 .251; Self-BLEU-2..5 .751 .573 .422 .313
(lower than that of real text, .892 .747 .574 .416: protocol unknown); human,
overall 4.16.
Ours: not run yet.

python launch.py --config=configs/slgan_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.slgan, common.coco, variant)
