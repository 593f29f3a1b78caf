"""CCL on the small oracle (500 words, length 20).

No published numbers.
Ours (five seeds, one CPU core; results/SMALL_ORACLE.md), MLE then last:
Jeffreys 1.999 then 3.319, NLL_oracle 5.847 then 4.438.

python launch.py --config=configs/ccl_oracle_small.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.oracle_small, variant)
