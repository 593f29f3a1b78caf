"""Bootstrap intervals: coverage, SciPy's, and what is left out."""

import numpy as np
import pytest
import scipy.stats

from moegan_jax.metrics import bootstrap


def test_an_interval_covers_as_often_as_it_says():
  sets, n, mean = 400, 60, 3.0
  rng = np.random.RandomState(1)
  values = {str(i): rng.normal(mean, 2, n) for i in range(sets)}
  for level, least, most in ((0.95, 0.91, 0.975), (0.5, 0.43, 0.56)):
    found = bootstrap.intervals(values, level)
    hits = [found[f'{i}_low'] <= mean <= found[f'{i}_high'] for i in values]
    assert least <= np.mean(hits) <= most


@pytest.mark.parametrize('level', [0.8, 0.95])
def test_scipy_agrees(level):
  values = np.random.RandomState(2).exponential(size=200)
  ours = bootstrap.intervals({'x': values}, level)
  theirs = scipy.stats.bootstrap(
    (values,),
    np.mean,
    confidence_level=level,
    method='percentile',
    rng=np.random.default_rng(0),
  ).confidence_interval
  # A quantile of 1,000 resamples is off by about 0.1 standard errors.
  slack = 0.3 * values.std() / len(values) ** 0.5
  assert ours['x_low'] == pytest.approx(theirs.low, abs=slack)
  assert ours['x_high'] == pytest.approx(theirs.high, abs=slack)


def test_what_is_resampled():
  values = np.random.RandomState(3).rand(50)
  given = {
    'x': values,
    'y': 2 * values,
    'short': values[:7],
    'none': values[:0],
  }
  found = bootstrap.intervals(given)
  assert set(found) == {
    f'{key}_{end}' for key in ('x', 'y', 'short') for end in ('low', 'high')
  }
  # The same sentences are drawn for all values of one length.
  assert found['y_low'] == pytest.approx(2 * found['x_low'], abs=1e-12)
  assert found == bootstrap.intervals(given)
  assert found != bootstrap.intervals(given, seed=1)
  constant = bootstrap.intervals({'c': np.full(9, 0.25)})
  assert constant == pytest.approx({'c_low': 0.25, 'c_high': 0.25})
  assert bootstrap.intervals({}) == {}
