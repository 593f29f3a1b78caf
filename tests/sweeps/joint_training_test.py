"""Cells that are trained together."""

import numpy as np

from moegan_jax.sweeps import joint_training


def test_fault_of_a_diverged_member():
  records = [
    {'kind': 'eval', 'phase': 'a', 'step': 1, 'time': 0.0, 'x': [np.nan] * 4},
    {'kind': 'train', 'phase': 'a', 'step': 2, 'time': 0.0, 'x': [1.0] * 4},
    {
      'kind': 'train',
      'phase': 'a',
      'step': 3,
      'time': 0.0,
      'y': [1.0, 1.0, np.nan, 1.0],
    },
  ]
  assert joint_training._fault(records, slice(0, 2)) == ''
  fault = joint_training._fault(records, slice(2, 4))
  assert 'phase a, by step 3: y is not finite' in fault
