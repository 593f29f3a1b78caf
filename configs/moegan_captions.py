"""MoEGAN on the embedded captions grammar.

Paper: Improved Training of Mixture-of-Experts Language GANs (2023).
Setting: 2 x memory core 1 x 512, D of 1 representation; 150 epochs of
likelihood at 0.01, batch 128, 2,000 iterations at 0.0001, batch 128, 1 + 5
updates, beta 100^(i / 5,000).

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), MLE then last: Jeffreys 1.110 then 1.860,
NLL_oracle 2.243 then 2.810.

python launch.py --config=configs/moegan_captions.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.moegan, common.captions, variant)
