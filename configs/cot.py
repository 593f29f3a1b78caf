"""CoT: a mediator learns the mixture of real and generated text.

Paper: Lu et al. 2019, CoT: Cooperative Training for Generative Modeling of
Discrete Data.
Setting: that of its released code. An LSTM of 32 and a mediator of 64, no
pre-training, 200,000 iterations of one update of each with 64 sequences. G has
Adam at .01, M at .003 and dropout of .5.
Differences from the code: M has the clip and the beta2 of G (5 and .999, in
place of no clip and .95), and its recurrent weights start from the same normal
distribution as the others and not orthogonal. M is updated first, as in the
paper.
"""

from moegan_jax.config import experiment, select


def paper(c):
  select(c, 'generator', cell='lstm', init='seqgan')
  c.mediator.update(init='seqgan')
  select(c, 'mle', epochs=0)
  c.adversarial.update(batch=64, steps=200_000, d_steps=1, eval_every=1000)
  c.adversarial.update(g_lr=1e-2, d_lr=3e-3)


def get_config(variant: str = ''):
  return experiment('cot', paper, variant)
