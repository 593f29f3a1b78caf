"""The maximum-likelihood baseline on the embedded captions grammar.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 80 epochs of likelihood at 0.01, batch 64.

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md): Jeffreys 2.304, NLL_oracle 3.684.

python launch.py --config=configs/mle_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.captions, variant)
