"""MoEGAN on the small oracle (500 words, length 20).

No published numbers.
Ours (five seeds, one CPU core; results/SMALL_ORACLE.md), MLE then last:
Jeffreys 1.975 then 2.432, NLL_oracle 5.795 then 4.851.

python launch.py --config=configs/moegan_oracle_small.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.oracle_small, variant)
