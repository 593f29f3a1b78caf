"""CCL on the synthetic benchmark, length 20.

Paper: Counter-Contrastive Learning for Language GANs (Findings of EMNLP 2021).
Setting: memory core 1 x 512, D of 1 representation; 150 epochs of likelihood at
0.01, batch 128, 3,000 iterations at 0.0001, batch 128, 1 + 5 updates, beta 1.

Published: NLL_oracle 6.77 +- .34, NLL_gen 6.91 +- .62, sum 13.69 +- .36. One
Titan RTX, 5 seeds. The papers' numbers are of SeqGAN's oracle: add
--config.data.oracle_file=FILE.npz for it.
Ours: at :cpu (one seed, 5,000 samples, one core of an Intel Xeon;
results/SYSTEMS.md), MLE then last: Jeffreys 4.171 then 4.362, NLL_oracle 8.866
then 8.088.

python launch.py --config=configs/ccl_synthetic20.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.synthetic20, variant)
