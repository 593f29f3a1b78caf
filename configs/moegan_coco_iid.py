"""MoEGAN on COCO captions, shuffled.

The benchmark's split is not i.i.d. (a classifier tells its training from its
test text with an AUC of .97); here it is, so that measures against the test
text mean what they say.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 2 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 2,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 100^(i / 5,000).

Published: none.
Ours: not run yet.

python launch.py --config=configs/moegan_coco_iid.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.coco_iid, variant)
