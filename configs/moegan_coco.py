"""MoEGAN on MS COCO captions.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 2 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 2,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 100^(i / 5,000).

Published: BLEU-2..5 (Table 3) .963 +- .020, .902 +- .059, .814 +- .072,
.695 +- .076; NLL_gen .639 +- .027; human 4.077 +- .348. One Titan RTX, 5 seeds.
Ours: at :cpu with adversarial.steps=500 (seeds 0 and 1, README has the table),
BLEU-4 .316, .402 and .241 after 0, 100 and 500 iterations, Self-BLEU-4 .550,
.788 (1,000 samples) and .960; real text .337 and .574.

python launch.py --config=configs/moegan_coco.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.coco, variant)
