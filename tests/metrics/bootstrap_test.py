"""Bootstrap intervals: coverage, and comparison with SciPy."""

import time

import numpy as np
import pytest
import scipy.stats

from moegan_jax.metrics import Texts, bootstrap, text_measures


@pytest.mark.parametrize(
  ('draw', 'mean', 'level', 'least', 'most'),
  [
    (lambda rng, shape: rng.exponential(2.0, shape), 2.0, 0.95, 0.91, 0.975),
    (lambda rng, shape: rng.uniform(size=shape) < 0.3, 0.3, 0.95, 0.91, 0.975),
    # No shares: the ends of their intervals are multiples of 1 / 60, and even a
    # perfect bootstrap then covers .3 = 18 / 60 only 59 % of the time.
    (lambda rng, shape: rng.exponential(2.0, shape), 2.0, 0.5, 0.42, 0.56),
  ],
  ids=['exponential', 'bernoulli', 'half'],
)
def test_interval_has_its_nominal_coverage(draw, mean, level, least, most):
  sets = draw(np.random.RandomState(1), (400, 60))
  values = {str(i): one for i, one in enumerate(sets)}
  got = bootstrap.intervals(values, level)
  hits = [got[f'{key}_low'] <= mean <= got[f'{key}_high'] for key in values]
  assert least <= np.mean(hits) <= most


@pytest.mark.parametrize('level', [0.5, 0.95])
def test_equals_scipy_up_to_the_resampling(level):
  values = np.random.RandomState(2).gamma(2.0, size=300)
  got = bootstrap.intervals({'x': values}, level=level)
  want = scipy.stats.bootstrap(
    (values,),
    np.mean,
    confidence_level=level,
    n_resamples=20_000,
    method='percentile',
    rng=np.random.default_rng(0),
  ).confidence_interval
  error = values.std() / np.sqrt(len(values))
  # Quantiles of 1,000 resamples have a standard error of .09 deviations.
  np.testing.assert_allclose(
    [got['x_low'], got['x_high']], [want.low, want.high], rtol=0, atol=error / 3
  )


def test_resampling_keeps_the_values_of_a_sentence_together():
  values = np.random.RandomState(3).normal(size=50)
  got = bootstrap.intervals({'x': values, 'twice': 2 * values, 'y': -values})
  for end, other in (('low', 'high'), ('high', 'low')):
    assert got[f'twice_{end}'] == pytest.approx(2 * got[f'x_{end}'])
    assert got[f'y_{end}'] == pytest.approx(-got[f'x_{other}'])


def test_keys_of_other_lengths_change_nothing():
  rng = np.random.RandomState(4)
  x, y = rng.normal(size=40), rng.normal(size=7)
  got = bootstrap.intervals({'x': x, 'y': y, 'none': np.zeros(0)})
  assert set(got) == {'x_low', 'x_high', 'y_low', 'y_high'}
  alone = bootstrap.intervals({'x': x}) | bootstrap.intervals({'y': y})
  assert got == pytest.approx(alone)


def test_seed_and_edge_cases():
  values = {'x': np.arange(30.0)}
  assert bootstrap.intervals(values) == bootstrap.intervals(values)
  assert bootstrap.intervals(values) != bootstrap.intervals(values, seed=1)
  assert bootstrap.intervals({}) == {}
  assert bootstrap.intervals({'x': np.array([0.25])}) == {
    'x_low': 0.25,
    'x_high': 0.25,
  }
  ones = bootstrap.intervals({'x': np.ones(13)})
  assert ones == {'x_low': 1.0, 'x_high': 1.0}


def test_text_measures_adds_the_intervals():
  samples = [list('abcde'), list('abxyz'), list('cde')]
  texts = Texts(samples, [list('abcdefg')])
  without = text_measures(texts, ('bleu', 'diversity'))
  got = text_measures(texts, ('bleu', 'diversity'), intervals=True)
  added = {f'bleu{n}_{end}' for n in range(2, 6) for end in ('low', 'high')}
  assert set(got) - set(without) == added
  for n in range(2, 6):
    key = f'bleu{n}'
    assert got[f'{key}_low'] < got[key] < got[f'{key}_high']


def test_ten_thousand_sentences_take_seconds():
  rng = np.random.RandomState(5)
  values = {f'm{i}': rng.uniform(size=10_000) for i in range(12)}
  begin = time.process_time()
  bootstrap.intervals(values)
  assert time.process_time() - begin < 1.5  # .25 s on one core
