"""TextGAN on MS COCO captions.

Paper: Adversarial Feature Matching for Text Generation (ICML 2017).
Setting: LSTM 500 with noise of 900, D of 1 representation; 80 epochs of
likelihood at 0.001, batch 256, 2,000 iterations at 5e-05, batch 256, 1 + 1
updates, beta 1000.

Published: (Texygen's port) BLEU-2..5 .593 .463 .277 .207; Self-BLEU-2..5 .942
.931 .804 .746; human 1.967 +- .421 (MoEGAN); 3.2 % of its released sentences
are distinct.
Ours: not run yet.

python launch.py --config=configs/textgan_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.coco, variant)
