"""The platform of the current program and what depends on it."""

import types

import jax
import pytest

from moegan_jax.ops import devices


@pytest.mark.parametrize(
  ('platform', 'name', 'steps'),
  [('cpu', 'cpu', 1), ('tpu', 'tpu', 1), ('cuda', 'gpu', 2), ('gpu', 'gpu', 2)],
)
def test_platform_of_an_absent_device(platform, name, steps):
  with devices.compiling_for(types.SimpleNamespace(platform=platform)):
    assert devices.platform() == name
    assert (devices.unroll(0), devices.unroll(5)) == (steps, 5)


def test_default_is_that_of_jax_also_after_an_error():
  absent = types.SimpleNamespace(platform='tpu')
  with pytest.raises(KeyError), devices.compiling_for(absent):
    raise KeyError
  assert devices.platform() == jax.default_backend()
  with devices.compiling_for(None):
    assert devices.platform() == jax.default_backend()
