"""CCL on the embedded captions grammar.

Paper: Counter-Contrastive Learning for Language GANs (Findings of EMNLP 2021).
Setting: memory core 1 x 512, D of 1 representation; 150 epochs of likelihood at
0.01, batch 128, 2,000 iterations at 0.0001, batch 128, 1 + 5 updates, beta
100^(i / 5,000).

Published: none, this grammar is ours.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md has the flags), MLE then last: Jeffreys 1.118 then 1.877,
NLL_oracle 2.227 then 2.764.

python launch.py --config=configs/ccl_captions.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.captions, variant)
