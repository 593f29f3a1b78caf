"""TextGAN on the embedded captions grammar.

Paper: Adversarial Feature Matching for Text Generation (ICML 2017).
Setting: LSTM 500 with noise of 900, D of 1 representation; 80 epochs of
likelihood at 0.001, batch 256, 2,000 iterations at 5e-05, batch 256, 1 + 1
updates, beta 1000.

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), MLE then last: Jeffreys 2.209 then 2.238,
NLL_oracle 3.635 then 3.655.

python launch.py --config=configs/textgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.captions, variant)
