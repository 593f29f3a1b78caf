"""CCL on the embedded captions grammar.

No published numbers.

python launch.py --config=configs/ccl_captions.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.captions, variant)
