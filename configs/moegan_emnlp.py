"""MoEGAN on EMNLP2017 WMT News.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 2 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 2,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 100^(i / 5,000).

Published: BLEU-2..5 (Table 3) .910 +- .015, .769 +- .021, .568 +- .026,
.374 +- .023; NLL_gen 2.480 +- .025. One Titan RTX, 5 seeds.
Ours: not run yet.

python launch.py --config=configs/moegan_emnlp.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.emnlp, variant)
