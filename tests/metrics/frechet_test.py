"""The Frechet distance against SciPy's matrix root and closed forms."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from moegan_jax.metrics.frechet import FRECHET, frechet_distance
from moegan_jax.metrics.measure import LanguageModel, Texts


def by_scipy(a, b):
  one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
  root = np.real(sqrtm(one @ two))
  apart = np.sum((a.mean(0) - b.mean(0)) ** 2)
  return apart + np.trace(one + two - 2 * root)


def features(n, width, seed, scale=1.0, shift=0.0):
  rng = np.random.RandomState(seed)
  mix = rng.randn(width, width)
  return rng.randn(n, width) @ mix * scale + shift


def with_moments(covariance, mean):
  """Returns rows with exactly this mean and covariance."""
  width = len(mean)
  signs = np.concatenate([np.eye(width), -np.eye(width)])
  rows = signs * np.sqrt((2 * width - 1) / 2)  # covariance I
  return rows @ np.linalg.cholesky(covariance).T + mean


@pytest.mark.parametrize('width', [2, 7, 30])
def test_matrix_root_of_scipy(width):
  a = features(200, width, 0)
  b = features(150, width, 1, scale=1.5, shift=0.3)
  assert frechet_distance(a, b) == pytest.approx(by_scipy(a, b), rel=1e-9)
  assert frechet_distance(b, a) == pytest.approx(by_scipy(a, b), rel=1e-9)


def test_one_dimension():
  """(mu - mu')^2 + (sigma - sigma')^2."""
  a, b = features(50, 1, 0), features(40, 1, 1, scale=3.0, shift=2.0)
  apart = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
  assert frechet_distance(a, b) == pytest.approx(apart)


def test_commuting_covariances():
  """|mu - mu'|^2 + |S^(1/2) - S'^(1/2)|^2 where S and S' commute."""
  a = with_moments(np.diag([1.0, 4.0, 9.0]), np.array([0.0, 1.0, 2.0]))
  b = with_moments(np.diag([16.0, 1.0, 4.0]), np.array([2.0, 1.0, 0.0]))
  expected = 8 + (1 - 4) ** 2 + (2 - 1) ** 2 + (3 - 2) ** 2
  assert frechet_distance(a, b) == pytest.approx(expected)


def test_only_the_means_differ():
  a = features(100, 6, 0)
  shift = np.arange(6.0)
  assert frechet_distance(a, a + shift) == pytest.approx(np.sum(shift**2))
  assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
  assert frechet_distance(a, a) >= 0


def test_no_root_of_the_total():
  a = features(100, 4, 0)
  assert frechet_distance(a, a + 10) == pytest.approx(400)


def test_singular_covariances():
  """Fewer rows than columns, and directions that do not vary at all."""
  a, b = features(10, 40, 0), features(12, 40, 1)
  # tr sqrt(S S') from the singular values of the centred rows, without a root.
  x, y = a - a.mean(0), b - b.mean(0)
  cross = np.linalg.svd(x @ y.T, compute_uv=False).sum()
  expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + (
    np.sum(x**2) / 9 + np.sum(y**2) / 11 - 2 * cross / np.sqrt(9 * 11)
  )
  assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
  still = np.zeros((10, 40))
  spread = np.sum(x**2) / 9 + np.sum(a.mean(0) ** 2)
  assert frechet_distance(a, still) == pytest.approx(spread)


def test_small_directions_keep_their_digits():
  """Deviations that differ by 1e6 between columns."""
  scales = np.array([1.0, 1e-3, 1e-6])
  a = with_moments(np.diag(scales**2), np.zeros(3))
  b = with_moments(np.diag((2 * scales) ** 2), np.zeros(3))
  assert frechet_distance(a, b) == pytest.approx(np.sum(scales**2), rel=1e-9)


def test_too_large_from_few_rows():
  rng = np.random.RandomState(0)
  found = [
    frechet_distance(rng.randn(n, 20), rng.randn(n, 20)) for n in (50, 5000)
  ]
  assert found[0] > 10 * found[1] > 0


def test_invalid_feature_tables_are_refused():
  good = features(10, 3, 0)
  with pytest.raises(ValueError, match=r'\[n, F\]'):
    frechet_distance(good, features(10, 4, 0))
  with pytest.raises(ValueError, match=r'\[n, F\]'):
    frechet_distance(good[:, 0], good[:, 0])
  with pytest.raises(ValueError, match='two rows'):
    frechet_distance(good, good[:1])
  with pytest.raises(ValueError, match='not finite'):
    frechet_distance(good, good * np.nan)


def lengths_and_as(fitted):
  """Returns an encoder that counts words and 'a's and logs its calls."""

  def fit(sentences):
    fitted.append(sentences)
    return LanguageModel(
      nll=None,
      features=lambda text: np.array([[len(s), s.count('a')] for s in text]),
    )

  return fit


def test_column_compares_equal_numbers_of_sentences():
  rng = np.random.RandomState(0)
  real = [['a'] * rng.randint(5) + ['b'] * rng.randint(5) for _ in range(90)]
  train = [['a', 'b']] * 30
  fitted = []
  texts = Texts(real[:40], real[40:], train, lengths_and_as(fitted))
  assert FRECHET.fits(texts)
  found = FRECHET.of(texts)
  encode = texts.fit_lm(train).features
  expected = frechet_distance(encode(real[:40]), encode(real[40:80]))
  assert found == {'frechet_lm': expected}
  assert fitted[0] is train
  FRECHET.of(texts._replace(train=[]))
  assert fitted[-1] is texts.references
  assert FRECHET.of(texts._replace(samples=real[:19])) == {}
  assert not FRECHET.fits(texts._replace(fit_lm=None))
