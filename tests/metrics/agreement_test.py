"""Fleiss' kappa against a worked example, loops over pairs, and extremes."""

import fractions
import itertools

import numpy as np
import pytest

from moegan_jax.metrics import agreement

# A textbook example: 10 items, 14 raters, 5 categories.
WORKED = [
  [0, 0, 0, 0, 14],
  [0, 2, 6, 4, 2],
  [0, 0, 3, 5, 6],
  [0, 3, 9, 2, 0],
  [2, 2, 8, 1, 1],
  [7, 7, 0, 0, 0],
  [3, 2, 6, 3, 0],
  [2, 5, 3, 2, 2],
  [6, 5, 2, 1, 0],
  [0, 2, 2, 3, 7],
]


def by_pairs(ratings) -> float:
  """Computes kappa exactly, from all pairs of raters and of ratings."""
  pairs = [
    a == b for item in ratings for a, b in itertools.combinations(item, 2)
  ]
  agree = fractions.Fraction(sum(pairs), len(pairs))
  pool = [rating for item in ratings for rating in item]
  same = [a == b for a in pool for b in pool]  # with replacement
  chance = fractions.Fraction(sum(same), len(same))
  return float((agree - chance) / (1 - chance))


def random_ratings(n, raters, noise, seed):
  rng = np.random.RandomState(seed)
  truth = rng.randint(1, 6, (n, 1))
  guess = rng.randint(1, 6, (n, raters))
  return np.where(rng.random_sample((n, raters)) < noise, guess, truth)


def kappa(ratings):
  return agreement.fleiss_kappa(agreement.tally(ratings, (1, 2, 3, 4, 5)))


def test_the_worked_example():
  assert agreement.fleiss_kappa(WORKED) == pytest.approx(0.210, abs=5e-4)
  # 0.378 of the pairs agree; the expected share is 0.213.
  expected = (0.37802 - 0.21276) / (1 - 0.21276)
  assert agreement.fleiss_kappa(WORKED) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize('raters', [2, 3, 10])
@pytest.mark.parametrize('noise', [0.1, 0.5, 1.0])
def test_kappa_equals_counting_pairs(raters, noise):
  ratings = random_ratings(17, raters, noise, seed=raters)
  expected = by_pairs(ratings.tolist())
  assert kappa(ratings) == pytest.approx(expected, abs=1e-12)


def test_extremes():
  assert kappa(random_ratings(20, 4, noise=0, seed=0)) == 1
  # Two raters of two categories, and three of three, who never agree.
  assert kappa([[1, 5], [5, 1], [1, 5]]) == pytest.approx(-1)
  assert kappa([[1, 2, 3], [3, 1, 2]]) == pytest.approx(-1 / 2)
  # 20,000 items: the standard error is below .003.
  chance = kappa(random_ratings(20_000, 3, noise=1, seed=1))
  assert abs(chance) < 0.01


def test_kappa_ignores_order_copies_and_unused_categories():
  counts = np.array(WORKED)
  expected = agreement.fleiss_kappa(counts)
  rng = np.random.RandomState(0)
  mixed = counts[rng.permutation(10)][:, rng.permutation(5)]
  wider = np.pad(counts, ((0, 0), (0, 2)))  # categories that nobody chose
  for other in (mixed, wider, np.tile(counts, (3, 1))):
    assert agreement.fleiss_kappa(other) == pytest.approx(expected)


def test_one_category_is_undefined():
  assert np.isnan(agreement.fleiss_kappa([[0, 3, 0], [0, 3, 0]]))
  assert np.isnan(agreement.fleiss_kappa([[7]]))


@pytest.mark.parametrize(
  ('counts', 'said'),
  [
    ([], 'must be'),
    ([1, 2], 'must be'),
    ([[1, 0], [0, 1]], 'two raters'),
    ([[0, 0]], 'two raters'),
    ([[2, 1], [2, 0]], 'same number'),
    ([[3, -1], [2, 0]], 'whole'),
    ([[1.5, 0.5]], 'whole'),
    ([[float('nan'), 1]], 'whole'),
    ([[float('inf'), 1]], 'whole'),
  ],
)
def test_bad_counts(counts, said):
  with pytest.raises(ValueError, match=said):
    agreement.fleiss_kappa(counts)


def test_tally():
  counts = agreement.tally([[1, 1, 5], [3, 2, 3]], (1, 2, 3, 4, 5))
  assert counts.tolist() == [[2, 0, 0, 0, 1], [0, 1, 2, 0, 0]]
  with pytest.raises(ValueError, match='none of'):
    agreement.tally([[0, 1]], (1, 2))


def test_words():
  found = [agreement.in_words(k) for k in (-0.1, 0, 0.204, 0.21, 0.5, 0.63, 1)]
  assert found == [
    'poor',
    'slight',
    'slight',
    'fair',
    'moderate',
    'substantial',
    'almost perfect',
  ]
  for wrong in (1.1, float('nan')):
    with pytest.raises(ValueError, match='not at most 1'):
      agreement.in_words(wrong)
