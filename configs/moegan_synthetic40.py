"""MoEGAN on the synthetic benchmark, length 40.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 3 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 3,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 1.

Published: NLL_oracle 5.71 +- .29, NLL_gen 7.46 +- .66, sum 10.17 +- .43 (Table
5; the two add up to 13.17). One Titan RTX, 5 seeds. The papers' numbers are of
SeqGAN's oracle: add --config.data.oracle_file=FILE.npz for it.
Ours: not run yet.

python launch.py --config=configs/moegan_synthetic40.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.synthetic40, variant)
