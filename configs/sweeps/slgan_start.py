"""Causes of SLGAN's collapse: the initialisation and the discriminator term.

The paper initialises all parameters of G from N(0, 1); `seqgan` cells use the
initialisation of SeqGAN. `likelihood` and `likelihood_seqgan` have no
discriminator term, so they are plain likelihood. `weak_pull` has the term with
a twentieth of its weight: the likelihood of Eq 5 is a sum over positions and
here it is a mean, and the paper does not say how it reduces the term.

Ours (:small, two seeds, one core of an Intel Xeon, results/SMALL_ORACLE.md):
with the term, half of the sentences are repeats at the end, from either
initialisation. Without it, none are.

moegan-jax sweep --grid=slgan_start:small

Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller.
:small is the small oracle, with half the iterations of its config. Other
corpora: :captions, :emnlp, :synthetic20, :synthetic40.
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
