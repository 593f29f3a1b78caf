"""The maximum-likelihood baseline on MS COCO captions.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 80 epochs of likelihood at 0.01, batch 64.

Published: BLEU-2..5 (Texygen, LSTM) .731 .497 .305 .189; Self-BLEU-2..5 .916
.769 .583 .408; NLL_gen .718 (RelGAN); human 3.126 +- .388 (MoEGAN).
Ours: not run yet.

python launch.py --config=configs/mle_coco.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.coco, variant)
