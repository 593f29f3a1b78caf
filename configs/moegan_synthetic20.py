"""MoEGAN on the synthetic benchmark, length 20.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 2 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 3,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 1.

Published: NLL_oracle 5.84 +- .35, NLL_gen 5.07 +- .78, their best sum
10.90 +- .59 (Table 5; an NLL_gen below the oracle's entropy is one of training
data). One Titan RTX, 5 seeds. The papers' numbers are of SeqGAN's oracle: add
--config.data.oracle_file=FILE.npz for it.
Ours: at :cpu with SeqGAN's oracle (one seed, two CPU cores, 12 minutes), MLE
then MoEGAN: NLL_oracle 8.878 then 8.118, Jeffreys 4.487 then 4.566. With our
oracle at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 4.033 then 4.194, NLL_oracle 8.674
then 7.782.

python launch.py --config=configs/moegan_synthetic20.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.synthetic20, variant)
