"""LeakGAN: features of D set goals, and rewards follow them.

Paper: Guo et al. 2018, Long Text Generation via Adversarial Training with
Leaked Information.
Setting: that of its released code on synthetic data. 80 epochs of likelihood
and 50 pools for D in turn, the CNN of SeqGAN without dropout, c = 4, k = 16,
delta = 16, 4 completions of the prefixes of 4, 8, ... tokens. Both LSTMs have
32 units for 20 tokens, 64 for 40 and 128 for text. G has Adam at .01 (.001 for
text), D at .00005. As in `seqgan` there are 200 iterations, and not 800.
Differences from the code: 50 rounds of one pool and 1.6 epochs, not 10 rounds
of 5 pools and 8 epochs. For text, one likelihood update per iteration, not an
epoch every 15 iterations. The losses of G are means. Samples are evaluated at
temperature 1; the code multiplies logits by 1.5.
"""

from moegan_jax.config import experiment, seqgan_filters


def paper(c):
  seqgan_filters(c, dropout=0.0)
  oracle = c.data.name == 'oracle'
  width = 128
  if oracle:
    width = 64 if c.data.length > 20 else 32
  rate = 1e-2 if oracle else 1e-3
  c.generator.update(embed=width, hidden=width)
  c.mle.update(batch=64, epochs=80, lr=rate)
  c.adversarial.update(batch=64, steps=200, g_lr=rate, d_lr=5e-5)
  c.adversarial.mle_every = 0 if oracle else 1
  c.policy.reduce = 'mean'
  c.rollout.samples = 4


def get_config(variant: str = ''):
  return experiment('leakgan', paper, variant)
