"""CCL on a text file of your own.

No published numbers.

python launch.py --config=configs/ccl_text.py \
    --config.data.path=FILE
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.text, variant)
