"""MoEGAN on the synthetic benchmark, length 20.

Published NLL_oracle 5.84 +- .35, NLL_gen 5.07 +- .78 (Table 5; the latter is
below the oracle's entropy and so measured on training data).
Ours at :cpu (one seed, two CPU cores, 12 minutes, SeqGAN's oracle), MLE then
MoEGAN: NLL_oracle 8.878 then 8.118, Jeffreys 4.487 then 4.566.

python launch.py --config=configs/moegan_synthetic20.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.synthetic20, variant)
