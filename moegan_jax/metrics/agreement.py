"""How far raters agree beyond chance: Fleiss' kappa (1971).

For scores in categories that have no order: 4 against 5 is as much of a
disagreement as 1 against 5, which is severe on raters of a scale.
"""

from collections.abc import Sequence

import numpy as np

# The upper end of each word's range, Landis and Koch (1977). A convention:
# nothing is derived from it.
_WORDS = (
  (0.2, 'slight'),
  (0.4, 'fair'),
  (0.6, 'moderate'),
  (0.8, 'substantial'),
  (1.0, 'almost perfect'),
)


def tally(ratings: np.ndarray, categories: Sequence[int]) -> np.ndarray:
  """How many raters chose each category.

  Args:
    ratings: [n, r], item by rater.
    categories: k of them.

  Returns:
    int64 [n, k]; each row adds up to r.

  Raises:
    ValueError: a rating is in no category.
  """
  ratings = np.asarray(ratings)
  if not np.isin(ratings, categories).all():
    raise ValueError(f'a rating is none of {list(categories)}')
  return np.stack([(ratings == c).sum(axis=1) for c in categories], axis=1)


def fleiss_kappa(counts: np.ndarray) -> float:
  """Fleiss' kappa: (P - E) / (1 - E), at most 1; 0 is what chance gives.

  P is the share of agreeing pairs among the pairs of raters of an item,
  averaged over items; E what it would be if every rater drew from the shares
  that the categories have over all items. The raters of one item need not be
  those of another; only their number must be the same.

  Args:
    counts: [n, k], how many of the r raters put item i into category j.
      A category that nobody chose changes nothing.

  Returns:
    Between -1 / (r - 1) and 1. NaN where all ratings are in one category:
    then E = 1, and agreement cannot be told from habit (0 / 0).

  Raises:
    ValueError: no items, fewer than two raters, a negative or broken count,
      or rows that do not add up to one number.
  """
  counts = np.asarray(counts, np.float64)
  if counts.ndim != 2 or not counts.size:
    raise ValueError(f'counts must be [n, k], not {list(counts.shape)}')
  # NaN is not its own floor, but infinity is.
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
  """'poor' below 0, then 'slight' to 'almost perfect' (Landis and Koch, 1977).

  Raises:
    ValueError: above 1, or NaN.
  """
  if kappa < 0:
    return 'poor'
  for end, word in _WORDS:
    # Two decimals, as their table: .204 is still slight.
    if round(kappa, 2) <= end:
      return word
  raise ValueError(f'kappa={kappa} is not at most 1')
