"""The transport of FM-GAN: IPOT, or what its released code trains with.

No published comparison. At epsilon 10 and 50 iterations IPOT is far from the
exact plan; `ipot_sharp` is near it.

Ours: not run yet.

python -m moegan_jax.sweep --grid=configs/sweeps/fmgan_solver.py:small
Without a variant: MS COCO at the paper's scale. :cpu and :smoke are smaller,
:small is the small oracle; :captions, :emnlp, :synthetic20, :synthetic40.
"""

from configs import common, papers


def get_sweep(variant: str = ''):
  return {
    'base': common.bench(papers.fmgan, variant),
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
