"""SentiGAN: a generator of each class, and penalties in place of rewards.

Paper: Wang and Wan 2018, SentiGAN: Generating Sentimental Texts via Mixture
Adversarial Networks.
Setting: a corpus with labels, such as captions, or text with
data.label_column or data.paths. The networks of SeqGAN, an LSTM of 200 for each
class on text and of 32 on synthetic data, 120 epochs of likelihood, 10 pools
for D with 3 passes each, then iterations of g = 1 update of G and d = 1 pool
with k = 3 passes. 16 completions of each prefix, G with Adam at .01 in
likelihood, at .001 then; D at .0001. There are 250 iterations, as on synthetic
data in its code.
Differences from the code: no latent noise, Adam in place of RMSProp, and a
batch of 64 samples with all classes in turn.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c, l2=0.2)
  c.generator.classes = 'own'
  if c.data.name != 'oracle':
    c.generator.update(embed=200, hidden=200)
  c.mle.update(batch=64, epochs=120)
  c.pool.pretraining = 10
  c.adversarial.update(batch=64, steps=250, d_steps=1, g_lr=1e-3)


def get_config(variant: str = ''):
  return experiment('sentigan', paper, variant)
