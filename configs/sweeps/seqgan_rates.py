"""SeqGAN with smaller learning rates of G, and with fewer updates of D.

The paper's code has .01 in both phases, a sum over the batch and no baseline,
and five pools of D per update of G.

Ours: not run yet. docs/results/POLICY_GRADIENTS.md has one seed of
`one_pool_slower`.

moegan-jax sweep --grid=seqgan_rates:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'seqgan:{variant}'),
    'seeds': 2,
    'cells': {
      'paper': {},
      'one_pool': {'adversarial.d_steps': 1},
      'one_pool_slower': {
        'adversarial.d_steps': 1,
        'adversarial.g_lr': 1e-3,
      },
      'one_pool_slowest': {
        'adversarial.d_steps': 1,
        'adversarial.g_lr': 1e-4,
      },
      'slower': {'adversarial.g_lr': 1e-3},
    },
  }
