"""MoEGAN plus CCL on the synthetic benchmark, length 40.

No published numbers.

python launch.py --config=configs/moegan_ccl_synthetic40.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan_ccl, common.synthetic40, variant)
