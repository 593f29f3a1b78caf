"""TextGAN (MMD) on the embedded captions grammar.

Not a benchmark of the paper: its distribution is known.

python launch.py --config=configs/textgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.captions, variant)
