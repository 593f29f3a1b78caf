"""SentiGAN: a generator of each class, and penalties in place of rewards.

Paper: Wang and Wan 2018, SentiGAN: Generating Sentimental Texts via Mixture
Adversarial Networks.
Setting: a corpus with labels, such as captions, or text with
data.label_column or data.paths. The networks of SeqGAN, an LSTM of 200 for each
class as on text, 120 epochs of likelihood, 10 pools for D with 3 passes each,
then iterations of g = 1 update of G and d = 1 pool with k = 3 passes, 16
completions of each prefix, 250 iterations. G has Adam at .01 in likelihood and
at .001 then, D at .0001.
Likelihood in the adversarial phase: the loss has its least value where all
tokens are improbable, and without likelihood G forgets its text. The published
code alternates with likelihood on real text; here the likelihood is part of the
loss of each update, and both are means over positions.
Differences from the code: no latent noise, Adam in place of RMSProp, and a
batch of 64 samples with all classes in turn.
"""

from moegan_jax.config import experiment, seqgan_players


def paper(c):
  seqgan_players(c, l2=0.2)
  c.generator.update(classes='own', embed=200, hidden=200)
  c.mle.update(batch=64, epochs=120)
  c.pool.pretraining = 10
  c.policy.reduce = 'mean'
  c.adversarial.update(batch=64, steps=250, d_steps=1, g_lr=1e-3, anchor=1.0)


def get_config(variant: str = ''):
  return experiment('sentigan', paper, variant)
