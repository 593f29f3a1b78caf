"""RelGAN on the synthetic benchmark, length 20.

Paper: RelGAN: Relational Generative Adversarial Networks for Text Generation
(ICLR 2019).
Setting: memory core 1 x 512, D of 64 representations; 150 epochs of likelihood
at 0.01, batch 64, 3,000 iterations at 0.0001, batch 64, 1 + 5 updates, beta 1.

Published: NLL_oracle 6.680 +- .343 (beta_max 1), 6 seeds; in MoEGAN's Table 5
6.73 +- .54, NLL_gen 6.38 +- .70. The papers' numbers are of SeqGAN's oracle:
add --config.data.oracle_file=FILE.npz for it.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 4.299 then 4.319, NLL_oracle 8.790
then 8.248.

python launch.py --config=configs/relgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.synthetic20, variant)
