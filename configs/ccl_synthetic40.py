"""CCL on the synthetic benchmark, length 40.

Paper: Counter-Contrastive Learning for Language GANs (Findings of EMNLP 2021).
Setting: memory core 1 x 512, D of 1 representation; 150 epochs of likelihood at
0.01, batch 128, 3,000 iterations at 0.0001, batch 128, 1 + 5 updates, beta 1.

Published: NLL_oracle 6.65 +- .14, NLL_gen 7.68 +- .79, sum 14.33 +- .76. One
Titan RTX, 5 seeds. The papers' numbers are of SeqGAN's oracle: add
--config.data.oracle_file=FILE.npz for it.
Ours: not run yet.

python launch.py --config=configs/ccl_synthetic40.py
:cpu and :smoke are the small variants; :s64 has 64 representations.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.ccl, common.synthetic40, variant)
