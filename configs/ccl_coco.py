"""CCL on MS COCO captions.

Paper: Counter-Contrastive Learning for Language GANs (Findings of EMNLP 2021).
Setting: memory core 1 x 512, D of 1 representation; 150 epochs of likelihood at
0.01, batch 128, 2,000 iterations at 0.0001, batch 128, 1 + 5 updates, beta
100^(i / 5,000).

Published: BLEU-2..5 .871 +- .032, .715 +- .050, .538 +- .068, .399 +- .082;
NLL_gen .630 +- .103; in its ablation .872 .715 .531 .363, .610. One Titan RTX,
5 seeds.
Ours: not run yet.

python launch.py --config=configs/ccl_coco.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.coco, variant)
