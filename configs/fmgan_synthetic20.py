"""FM-GAN on the synthetic benchmark, length 20.

Paper: Adversarial Text Generation via Feature-Mover's Distance (NeurIPS 2018).
Setting: LSTM 100 with noise of 128, D of 1 representation; 80 epochs of
likelihood at 0.001, batch 320, 3,000 iterations at 1e-05, batch 320, 3 + 1
updates, beta 100.

Published: none that could be verified.
Ours: at :cpu (one seed, 1,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 3.689 then 3.703, NLL_oracle 9.002
then 9.016.

python launch.py --config=configs/fmgan_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.fmgan, common.synthetic20, variant)
