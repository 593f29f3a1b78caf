"""MoEGAN plus CCL on the synthetic benchmark, length 20.

Paper: MoEGAN's and CCL's, put together here.
Setting: 2 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 3,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 1.

Published: none.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 4.033 then 4.745, NLL_oracle 8.674
then 7.225.

python launch.py --config=configs/moegan_ccl_synthetic20.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan_ccl, common.synthetic20, variant)
