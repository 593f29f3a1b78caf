"""RelGAN on the embedded captions grammar.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 512, D of 64 representations; 150 epochs of likelihood
at 0.01, batch 64, 2,000 iterations at 0.0001, batch 64, 1 + 5 updates, beta
100^(i / 5,000).

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), MLE then last: Jeffreys 1.420 then 2.061,
NLL_oracle 2.597 then 3.103.

python launch.py --config=configs/relgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.captions, variant)
