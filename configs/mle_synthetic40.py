"""The maximum-likelihood baseline on the synthetic benchmark, length 40.

Paper: the LSTM baseline of SeqGAN, Texygen and most papers since.
Setting: LSTM 32; 120 epochs of likelihood at 0.01, batch 64.

Published: NLL_oracle 9.84 +- .02, NLL_gen 6.55 +- .02 (CCL paper; 10.411 in
other papers is that of a 64-dimensional oracle and not comparable). The papers'
numbers are of SeqGAN's oracle: add --config.data.oracle_file=FILE.npz for it.
Ours: not run yet.

python launch.py --config=configs/mle_synthetic40.py
:cpu and :smoke are the small variants.
"""

from configs import common, papers


def get_config(variant: str = ''):
  return common.experiment(papers.mle, common.synthetic40, variant)
