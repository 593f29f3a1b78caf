"""ScratchGAN: no pre-training, a reward per token, large batches.

Paper: Masson d'Autume et al. 2019, Training language GANs from Scratch.
Setting: that of its released code. An LSTM of 2 layers of 512 with a tied
embedding of 64, D an LSTM of 512 with layer norm. 200,000 iterations of one
update of D and one of G with 512 sequences, Adam with beta1 = .5.
Differences: the paper has 300 frozen GloVe columns in the embeddings of both
players. Here `generator.embeddings=FILE` adds them to that of G.
Left open: the initialisers, except that of the embedding.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='scratchgan', output='tied')
  c.generator.update(embed=64, hidden=512, layers=2)
  select(c, 'mle', epochs=0)
  c.adversarial.update(batch=512, steps=200_000, d_steps=1, eval_every=1000)
  c.adversarial.update(g_lr=9.59e-5, d_lr=9.38e-3, beta1=0.5, clip=float('inf'))


def get_config(variant: str = ''):
  return experiment('scratchgan', paper, variant)
