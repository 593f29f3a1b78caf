"""MoEGAN on the embedded captions grammar.

No published numbers.

python launch.py --config=configs/moegan_captions.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.captions, variant)
