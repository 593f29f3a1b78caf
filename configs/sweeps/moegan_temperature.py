"""Schedules of the inverse temperature of the relaxation (Figure 5b).

beta = 1 / tau. Published on COCO as curves without numbers: BLEU is best at tau
= .01, NLL_gen is lowest at .001. In `beta_N` the inverse temperature grows as
N^(i / 5000). Shorter runs have a proportionally shorter horizon, so that it
ends at the value of the paper's scale: N^.4 on text (2,000 iterations) and N^.6
on an oracle (3,000 iterations). In `constant_N` it stays N (`beta_1` is both).
The control is `likelihood`, with further likelihood training at the same
learning rate. `anchored_N` adds the likelihood loss to `beta_N`.

Ours (:small, three seeds, one core of an Intel Xeon,
docs/results/SMALL_ORACLE.md): the Jeffreys divergence is 1.971 at the MLE
start. It ends at 2.441, 2.267, 1.979, 1.950 and 1.949 for beta_1 to beta_1000,
at 1.946 for likelihood, and at 1.949 for anchored_100 and anchored_1000.

moegan-jax sweep --grid=moegan_temperature:small
"""

import math

from moegan_jax.config import load

# The generator minimises the likelihood loss only.
LIKELIHOOD = {
  'game.weight': 0.0,
  'fsa.weight': 0.0,
  'adversarial.anchor': 1.0,
}


def get_sweep(variant: str = ''):
  base = load(f'moegan:{variant}')
  whole = 3000 if base.data.name == 'oracle' else 2000
  base.game.horizon = math.ceil(5000 * base.adversarial.steps / whole)
  return {
    'base': base,
    'seeds': 5,
    'cells': {
      f'beta_{n}': {'game.beta': float(n)} for n in (1, 2, 10, 100, 1000)
    }
    | {
      f'constant_{n}': {'game.beta': float(n), 'game.schedule': 'constant'}
      for n in (2, 10, 100, 1000)
    }
    | {'likelihood': LIKELIHOOD}
    | {
      f'anchored_{n}': {'game.beta': float(n), 'adversarial.anchor': 1.0}
      for n in (100, 1000)
    },
  }
