"""RelGAN on the synthetic benchmark, length 40.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 512, D of 64 representations; 150 epochs of likelihood
at 0.01, batch 64, 3,000 iterations at 0.0001, batch 64, 1 + 5 updates, beta
2^(i / 5,000).

Published: NLL_oracle 6.765 +- .026 (beta_max 2), 6 seeds; in MoEGAN's Table 5
6.68 +- .20, NLL_gen 7.17 +- .69. The papers' numbers are of SeqGAN's oracle:
add --config.data.oracle_file=FILE.npz for it.
Ours: not run yet.

python launch.py --config=configs/relgan_synthetic40.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.synthetic40, variant)
