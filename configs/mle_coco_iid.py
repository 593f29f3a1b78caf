"""The maximum-likelihood baseline on COCO captions, shuffled.

The benchmark's split is not i.i.d. (a classifier tells its training from its
test text with an AUC of .97); here it is, so that measures against the test
text mean what they say.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 80 epochs of likelihood at 0.01, batch 64.

Published: none.
Ours: not run yet.

python launch.py --config=configs/mle_coco_iid.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.coco_iid, variant)
