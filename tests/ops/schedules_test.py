"""Tests inverse temperatures against RelGAN's formulas and published values."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest

from moegan_jax.errors import UserError
from moegan_jax.ops import schedules

ALL = sorted(schedules.SCHEDULES)
GROWING = [name for name in ALL if name != 'constant']


@pytest.mark.parametrize('jit', [False, True])
@pytest.mark.parametrize('name', ALL)
def test_matches_the_formula(name, jit):
  steps = np.array([0, 1, 17, 2000, 2500, 4998, 4999])
  beta = schedules.inverse_temperature(name, 100, 5000)
  beta = jax.jit(beta) if jit else beta
  want = [oracles.inverse_temperature(name, 100, 5000, int(i)) for i in steps]
  np.testing.assert_allclose(beta(steps), want, rtol=2e-5)


@pytest.mark.parametrize('step, want', [(0, 1), (2000, 6.31), (3000, 15.85)])
def test_exp_reaches_the_published_values(step, want):
  beta = schedules.inverse_temperature('exp', 100, 5000)
  np.testing.assert_allclose(beta(jnp.int32(step)), want, atol=5e-3)


@pytest.mark.parametrize('end', [0.1, 100.0])
@pytest.mark.parametrize('name', GROWING)
def test_grows_from_one_to_the_end_and_stays(name, end):
  beta = schedules.inverse_temperature(name, end, 50)
  values = np.asarray(jax.jit(beta)(np.arange(60)), np.float64)
  np.testing.assert_allclose(values[0], 1, atol=1e-2)
  np.testing.assert_allclose(values[51:], end, rtol=1e-3)
  assert (np.diff(values) * np.sign(end - 1) >= -1e-5).all()


def test_constant_equals_end_at_all_steps():
  beta = schedules.inverse_temperature('constant', 7, 5000)
  np.testing.assert_array_equal(beta(jnp.arange(3)), 7)


def test_shape_and_dtype():
  for name in ALL:
    beta = schedules.inverse_temperature(name, 10, 20)
    for shape in [(), (3,), (2, 3)]:
      step = jax.ShapeDtypeStruct(shape, jnp.int32)
      value = jax.eval_shape(beta, step)
      assert value.shape == shape
      assert value.dtype == jnp.float32


@pytest.mark.parametrize(
  'name, end, horizon, words',
  [
    ('expo', 100, 5000, 'exp, log'),
    ('exp', 0, 5000, 'positive'),
    ('exp', float('nan'), 5000, 'positive'),
    ('exp', 100, 1, 'at least 2'),
  ],
)
def test_bad_settings(name, end, horizon, words):
  with pytest.raises(UserError, match=words):
    schedules.inverse_temperature(name, end, horizon)
