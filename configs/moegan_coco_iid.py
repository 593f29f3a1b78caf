"""MoEGAN on COCO captions, shuffled so that training and test are alike.

The benchmark's split is not i.i.d. (a classifier tells its training from its
test text with an AUC of .97); here it is, so that measures against the test
text mean what they say. No published numbers.

python launch.py --config=configs/moegan_coco_iid.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.coco_iid, variant)
