"""MoEGAN plus CCL on the small oracle (500 words, length 20).

No published numbers.

python launch.py --config=configs/moegan_ccl_oracle_small.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan_ccl, common.oracle_small, variant)
