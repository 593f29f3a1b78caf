"""RelGAN on EMNLP2017 WMT News.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 512, D of 64 representations; 150 epochs of likelihood
at 0.01, batch 64, 2,000 iterations at 0.0001, batch 64, 1 + 5 updates, beta
100^(i / 5,000).

Published: BLEU-2..5 with beta_max 100 .881 +- .013, .705 +- .019, .501 +- .023,
.319 +- .018, NLL_gen 2.482 +- .031; with 1000 .837 +- .012, .654 +- .010,
.435 +- .011, .265 +- .011, 2.285 +- .025. 6 seeds.
Ours: not run yet.

python launch.py --config=configs/relgan_emnlp.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.emnlp, variant)
