"""MoEGAN on the synthetic benchmark, length 20.

Published NLL_oracle 5.84 +- .35, NLL_gen 5.07 +- .78 (Table 5; the latter is
below the oracle's entropy and so measured on training data).

python launch.py --config=configs/moegan_synthetic20.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common


def get_config(variant: str = ''):
  return common.experiment(common.moegan, common.synthetic20, variant)
