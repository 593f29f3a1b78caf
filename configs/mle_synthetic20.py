"""The maximum-likelihood baseline on the synthetic benchmark, length 20.

Published NLL_oracle: 9.038 (RelGAN and MoEGAN papers, Table 2; SeqGAN's
oracle: add --config.data.oracle_file=FILE.npz).
Ours (one seed, two CPU cores, 18 minutes beside other jobs, SeqGAN's oracle):
9.008; the oracle's entropy 5.741.

python launch.py --config=configs/mle_synthetic20.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.synthetic20, variant)
