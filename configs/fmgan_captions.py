"""FM-GAN on the embedded captions grammar.

Paper: Adversarial Text Generation via Feature-Mover's Distance (NeurIPS 2018).
Setting: LSTM 100 with noise of 128, D of 1 representation; 80 epochs of
likelihood at 0.001, batch 320, 2,000 iterations at 1e-05, batch 320, 3 + 1
updates, beta 100.

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), MLE then last: Jeffreys 2.393 then 2.372,
NLL_oracle 3.837 then 3.816.

python launch.py --config=configs/fmgan_captions.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.fmgan, common.captions, variant)
