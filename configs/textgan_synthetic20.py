"""TextGAN on the synthetic benchmark, length 20.

Paper: Adversarial Feature Matching for Text Generation (ICML 2017).
Setting: LSTM 500 with noise of 900, D of 1 representation; 80 epochs of
likelihood at 0.001, batch 256, 3,000 iterations at 5e-05, batch 256, 1 + 1
updates, beta 1000.

Published: none that could be verified.
Ours: at :cpu (one seed, 1,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 3.725 then 3.776, NLL_oracle 8.906
then 8.919.

python launch.py --config=configs/textgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.textgan, common.synthetic20, variant)
