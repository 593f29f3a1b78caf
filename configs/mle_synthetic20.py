"""The maximum-likelihood baseline on the synthetic benchmark, length 20.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 120 epochs of likelihood at 0.01, batch 64.

Published: NLL_oracle 9.038 (RelGAN and MoEGAN papers, Table 2) and 9.05 +- .03,
NLL_gen 5.96 +- .02 (CCL). The papers' numbers are of SeqGAN's oracle: add
--config.data.oracle_file=FILE.npz for it.
Ours: in full (one seed, two CPU cores, 18 minutes beside other jobs, SeqGAN's
oracle): NLL_oracle 9.008; the oracle's entropy 5.741. With our oracle at :cpu
(one seed, 5,000 samples, one core of an Intel Xeon; results/SYSTEMS.md):
Jeffreys 4.214, NLL_oracle 8.917.

python launch.py --config=configs/mle_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.synthetic20, variant)
