"""RelGAN on a text file of your own.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 512, D of 64 representations; 150 epochs of likelihood
at 0.01, batch 64, 2,000 iterations at 0.0001, batch 64, 1 + 5 updates, beta
100^(i / 5,000).

Published: none, the corpus is yours.

python launch.py --config=configs/relgan_text.py --config.data.path=FILE
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.text, variant)
