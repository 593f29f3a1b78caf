"""MoEGAN on the synthetic benchmark, length 40.

Published NLL_oracle 5.71 +- .29, NLL_gen 7.46 +- .66 (Table 5).

python launch.py --config=configs/moegan_synthetic40.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.synthetic40, variant)
