"""Agreement of raters beyond chance: Fleiss' kappa (Fleiss, 1971).

Kappa ignores the order of categories: 4 against 5 is the same disagreement as
1 against 5. It therefore underestimates agreement on ordered scales.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

# The upper end of each range, by Landis and Koch (1977). The ranges are a
# convention without a derivation.
_WORDS = (
  (0.2, 'slight'),
  (0.4, 'fair'),
  (0.6, 'moderate'),
  (0.8, 'substantial'),
  (1.0, 'almost perfect'),
)


def tally(ratings: ArrayLike, categories: Sequence[int]) -> np.ndarray:
  """Counts the raters that chose each category.

  Args:
    ratings: [n, r], items by raters.
    categories: the k possible ratings.

  Returns:
    int64 [n, k]; each row sums to r.

  Raises:
    ValueError: a rating is not a category.
  """
  ratings = np.asarray(ratings)
  if not np.isin(ratings, categories).all():
    raise ValueError(f'a rating is none of {list(categories)}')
  return np.stack([(ratings == c).sum(axis=1) for c in categories], axis=1)


def fleiss_kappa(counts: np.ndarray) -> float:
  """Computes Fleiss' kappa, (P - E) / (1 - E).

  P is the share of agreeing pairs among all pairs of raters of an item,
  averaged over items. E is the expected share if every rater draws from the
  distribution of categories over all items. Items may have different raters,
  but all items must have the same number of raters.

  Args:
    counts: [n, k], the number of the r raters that put item i into category
      j. Categories that nobody chose do not change kappa.

  Returns:
    A number from -1 / (r - 1) to 1; 0 is the agreement expected by chance.
    NaN if all ratings are in one category: then E = 1, and kappa is 0 / 0.

  Raises:
    ValueError: there are no items, there are fewer than two raters, a count
      is negative or not whole, or the sums of the rows differ.
  """
  counts = np.asarray(counts, np.float64)
  if counts.ndim != 2 or not counts.size:
    raise ValueError(f'counts must be [n, k], not {list(counts.shape)}')
  # Infinity equals its own floor, so the comparison does not exclude it.
  whole = np.isfinite(counts) & (counts == np.floor(counts))
  if not whole.all() or (counts < 0).any():
    raise ValueError('counts must be whole numbers of at least 0')
  raters = counts[0].sum()
  if (counts.sum(axis=1) != raters).any():
    raise ValueError('every item needs the same number of raters')
  if raters < 2:
    raise ValueError('agreement needs at least two raters')
  shares = counts.sum(axis=0) / counts.sum()
  if (shares == 1).any():
    return float('nan')
  agreeing = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
  chance = (shares**2).sum()
  return float((agreeing.mean() - chance) / (1 - chance))


def in_words(kappa: float) -> str:
  """Describes kappa in the words of Landis and Koch (1977).

  Args:
    kappa: at most 1.

  Returns:
    'poor' below 0, else 'slight' to 'almost perfect'.

  Raises:
    ValueError: kappa is above 1 or NaN.
  """
  if kappa < 0:
    return 'poor'
  for end, word in _WORDS:
    # Their table has two decimals, so .204 is still slight.
    if round(kappa, 2) <= end:
      return word
  raise ValueError(f'kappa={kappa} is not at most 1')
