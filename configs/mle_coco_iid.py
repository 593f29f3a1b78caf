"""MLE on COCO captions, shuffled so that training and test text are alike.

The benchmark's split is not i.i.d. (a classifier tells its training from its
test text with an AUC of .97); here it is, so that measures against the test
text mean what they say. No published numbers.

python launch.py --config=configs/mle_coco_iid.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.coco_iid, variant)
