"""What SLGAN's collapse is made of: its start, and its pull towards D.

The paper starts all parameters of G at N(0, 1). `likelihood` and
`likelihood_seqgan` have no pull at all, so they are plain likelihood. In
`weak_pull` it has a twentieth of its weight: the likelihood of Eq 5 is a sum
over positions, here it is a mean, and the paper does not say what the pull is.

Ours (:small, two seeds, one core of an Intel Xeon, results/SMALL_ORACLE.md):
with the pull half of the sentences are repeats at the end, from either start;
without it none is.

moegan-jax sweep --grid=slgan_start:small
Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller,
:small is the small oracle, at half the iterations of its config; :captions,
:emnlp, :synthetic20, :synthetic40.
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
