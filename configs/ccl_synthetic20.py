"""CCL on the synthetic benchmark, length 20.

Published NLL_oracle 6.77 +- .34, NLL_gen 6.91 +- .62.

python launch.py --config=configs/ccl_synthetic20.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.synthetic20, variant)
