"""MoEGAN plus CCL on EMNLP2017 WMT News.

No published numbers.

python launch.py --config=configs/moegan_ccl_emnlp.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan_ccl, common.emnlp, variant)
