"""RelGAN on MS COCO captions.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 512, D of 64 representations; 150 epochs of likelihood
at 0.01, batch 64, 2,000 iterations at 0.0001, batch 64, 1 + 5 updates, beta
100^(i / 5,000).

Published: BLEU-2..5 with beta_max 100 .849 +- .030, .687 +- .047, .502 +- .048,
.331 +- .044, NLL_gen .756 +- .054; with 1000 .814 +- .012, .634 +- .020,
.455 +- .023, .303 +- .020, .655 +- .048. 6 seeds.
Ours: not run yet.

python launch.py --config=configs/relgan_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.coco, variant)
