"""One and eight devices: equal results and divided computation."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from moegan_jax.train import loop

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def on_eight_devices(name):
  """Returns the output of `eight_devices.py`."""
  more = {
    'XLA_FLAGS': '--xla_force_host_platform_device_count=8',
    'PYTHONPATH': f'{ROOT}{os.pathsep}{HERE.parent}',
  }
  done = subprocess.run(
    [sys.executable, HERE / 'eight_devices.py', name],
    env=os.environ | more,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr[-2000:]
  return json.loads(done.stdout)


@pytest.fixture(scope='module')
def toy():
  return on_eight_devices('toy')


def assert_agree(found):
  for phase, one in found['one'].items():
    eight = found['eight'][phase]
    for name, values in one['losses'].items():
      if name in ('d_real', 'd_fake'):
        continue  # their offset is free in a relativistic loss
      np.testing.assert_allclose(
        eight['losses'][name], values, rtol=1e-5, atol=1e-5, err_msg=name
      )
    for a, b in zip(one['gradients'], eight['gradients'], strict=True):
      np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert max(np.abs(g).max() for g in one['gradients'] if g) > 1e-3


def assert_divided(found):
  for phase, one in found['one'].items():
    eight = found['eight'][phase]
    # Each device updates its seeds and draws a part of the noise.
    assert eight['flops'] < 0.3 * one['flops'], phase
    # Devices exchange sums of gradients and keys of rows only, whose size does
    # not grow with the batch.
    assert max(eight['sums']) > 50
    # The metrics of a chunk are gathered once, at its end.
    moved = [size for size in eight['moved'] if size % loop.LONGEST]
    assert max(moved, default=0) <= 32


def test_one_and_eight_devices_agree(toy):
  assert_agree(toy)


def test_computation_is_divided_among_devices(toy):
  assert_divided(toy)


@pytest.mark.slow
def test_moegan_and_ccl_on_one_and_eight_devices():
  found = on_eight_devices('moegan_ccl')
  assert_agree(found)
  assert_divided(found)


@pytest.mark.slow
def test_labels_are_divided_with_their_sequences():
  found = on_eight_devices('conditional')
  assert_agree(found)
  assert_divided(found)


def test_layout_divides_seeds_before_batches(toy):
  assert toy['shapes'] == [[1, 8], [2, 4], [1, 8], [8, 1], [4, 2]]
  assert toy['chosen'] == [[2, 1], None, [3, 2]]


def test_unsuitable_mesh_is_refused(toy):
  texts = (
    'mesh.seed=3 does not divide the 2 seeds',
    'mesh.seed=2 times mesh.data=8 needs 16 devices, there are 8',
    'adversarial.batch=18 does not divide over the 4 devices',
    'mesh.data=-1 must not be negative',
  )
  for text, said in zip(texts, toy['refused'], strict=True):
    assert text in said and '\n' not in said
