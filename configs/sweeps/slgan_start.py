"""Causes of SLGAN's collapse: the initialisation and the discriminator term.

The paper initialises all parameters of G from N(0, 1). The `seqgan` cells use
the initialisation of SeqGAN. `likelihood` and `likelihood_seqgan` train by
likelihood only, without the discriminator term (Eq 6). `weak_pull` has a
twentieth of the weight of the term: Eq 5 sums the likelihood over positions,
here it is a mean, and the paper does not state the reduction of the term.

Ours (:small, two seeds, one core of an Intel Xeon,
docs/results/SMALL_ORACLE.md): with the term, half of the sentences are repeats
at the end, from either initialisation. Without it, none are.

moegan-jax sweep --grid=slgan_start:small

At :small the cells run half of the iterations of the config `slgan:small`.
"""

from moegan_jax.config import load, scale_steps


def get_sweep(variant: str = ''):
  base = load(f'slgan:{variant}')
  if 'small' in variant:
    scale_steps(base, base.adversarial.steps // 2)
  seqgan, without = {'generator.init': 'seqgan'}, {'slgan.weight': 0.0}
  return {
    'base': base,
    'seeds': 5,
    'cells': {
      'standard': {},
      'likelihood': without,
      'weak_pull': {'slgan.weight': 0.05},
      'seqgan': seqgan,
      'likelihood_seqgan': seqgan | without,
    },
  }
