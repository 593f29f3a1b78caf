"""MoEGAN with one to five experts (Figure 5a).

Published on COCO as curves without numbers: every BLEU is best at two experts
and saturates or declines with more. `wide_2` and `wide_5` are controls. They
have one expert with about as many parameters as two and five experts.

Ours (:small, two seeds, one core of an Intel Xeon,
docs/results/SMALL_ORACLE.md), Jeffreys divergence for one to five experts:
2.006, 1.974, 1.970, 1.959, 1.952 after MLE; 2.459, 2.410, 2.499, 2.438, 2.526
after adversarial training.

moegan-jax sweep --grid=moegan_experts:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  base = load(f'moegan:{variant}')
  head = base.generator.head_size
  wide = {2: round(1.31 * head), 5: round(2.05 * head)}
  return {
    'base': base,
    'seeds': 5,
    'cells': {f'experts_{n}': {'generator.experts': n} for n in (1, 2, 3, 4, 5)}
    | {
      f'wide_{n}': {'generator.experts': 1, 'generator.head_size': size}
      for n, size in wide.items()
    },
  }
