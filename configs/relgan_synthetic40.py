"""RelGAN on the synthetic benchmark, length 40.

Published NLL_oracle 6.765 +- .026 (beta_max 2), 6 seeds.

python launch.py --config=configs/relgan_synthetic40.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.relgan, common.synthetic40, variant)
