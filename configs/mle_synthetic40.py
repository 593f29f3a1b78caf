"""The maximum-likelihood baseline on the synthetic benchmark, length 40.

Published NLL_oracle: 9.84 +- .02 (CCL paper; 10.411 in other papers is that of
a 64-dimensional oracle and not comparable).

python launch.py --config=configs/mle_synthetic40.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.synthetic40, variant)
