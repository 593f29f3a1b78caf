"""The maximum-likelihood baseline on EMNLP2017 WMT News.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 80 epochs of likelihood at 0.01, batch 64.

Published: BLEU-2..5 (RelGAN and MoEGAN papers) .768 .473 .240 .126; NLL_gen
2.382.
Ours: not run yet.

python launch.py --config=configs/mle_emnlp.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.emnlp, variant)
