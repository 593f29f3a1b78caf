"""Maximum likelihood on the synthetic benchmark, length 20.

The literature's baseline: LSTM 32, Adam 1e-2, batch 64, 120 epochs (SeqGAN).
Published NLL_oracle: 9.038 (RelGAN and MoEGAN papers, Table 2).

python launch.py --config=configs/mle_synthetic20.py
"""

from configs import common


def get_config(variant: str = ''):
  c = common.seqgan_lstm(common.oracle(common.base(), length=20))
  c.system = 'mle'
  c.mle.epochs = 120
  return common.finish(c, variant)
