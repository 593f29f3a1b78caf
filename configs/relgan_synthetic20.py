"""RelGAN on the synthetic benchmark, length 20.

Published NLL_oracle 6.680 +- .343 (beta_max 1), 6 seeds; a NLL_gen of 4.4 is
below the oracle's entropy and so measured on training data.

python launch.py --config=configs/relgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.synthetic20, variant)
