"""CCL on the synthetic benchmark, length 40.

Published NLL_oracle 6.65 +- .14, NLL_gen 7.68 +- .79.

python launch.py --config=configs/ccl_synthetic40.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.synthetic40, variant)
