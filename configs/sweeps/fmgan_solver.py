"""FM-GAN with several solvers of its optimal transport.

There is no published comparison. `ipot` has epsilon 10 and 50 iterations and is
far from the exact plan. `ipot_sharp` is close to it. `sinkhorn_divergence` is
the solver of the released code.

Ours: not run yet.

moegan-jax sweep --grid=fmgan_solver:small
"""

from moegan_jax.config import load


def get_sweep(variant: str = ''):
  return {
    'base': load(f'fmgan:{variant}'),
    'seeds': 5,
    'cells': {
      'ipot': {},
      'ipot_sharp': {'transport.epsilon': 0.1, 'transport.iterations': 200},
      'sinkhorn_divergence': {
        'transport.solver': 'sinkhorn-divergence',
        'transport.epsilon': 1.0,
        'transport.iterations': 40,
      },
    },
  }
