"""Can a classifier tell the samples from real text?

The classifier two-sample test (Lopez-Paz & Oquab, 2017), with the area under
the ROC curve in the place of accuracy: logistic regression on which words and
pairs of words a sentence has, trained on half of the sentences, scored on the
other half. .5 is ideal (below is noise), 1 is told apart without fail. Order
beyond pairs of words is not seen, so .5 does not prove that texts are alike.

The halves are drawn sentence by sentence, duplicates apart. A generator's
samples are independent draws, and what it repeats in one half it repeats in
the other: that is how collapse shows, and no leak. With duplicates kept
together, a generator of twenty good sentences would come near .5.

The training text is another matter: a copied sentence is on both sides, and
once in each half it teaches the classifier the wrong side, so that copies
would pull the area far below .5. There, equal sentences share a half, copies
count as what cannot be told apart, and collapse is left to the held-out text.
"""

import warnings

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts
from moegan_jax.metrics.ngrams import occurrences
from moegan_jax.metrics.subset import evenly

MOST = 10_000  # sentences of a side; evenly spaced ones where there are more
FEWEST = 20  # of a side, below which the test says nothing
_RARE = 2  # a feature must be in so many sentences of the training half


def auc(
  one: Sentences, other: Sentences, together: bool = False
) -> tuple[float, float]:
  """How well sentences of `one` can be told from those of `other`.

  The same sentences in the same order always give the same value.

  Args:
    one: at least FEWEST tokenised sentences; of more than MOST, evenly
      spaced ones.
    other: the same.
    together: keep equal sentences in one half, for texts of which the one may
      have been copied from the other; then FEWEST different ones a side.

  Returns:
    The area under the ROC curve on the half that was not trained on, and its
    standard error (DeLong et al., 1988) for the classifier as it is.

  Raises:
    ValueError: a side has fewer than FEWEST sentences.
  """
  from sklearn.linear_model import LogisticRegression

  one, other = evenly(one, MOST), evenly(other, MOST)
  if _too_few(one, other, together):
    raise ValueError(f'the test needs {FEWEST} sentences a side')
  train = (_halves_together if together else _halves_apart)(one, other)
  features = _features([*one, *other], train)
  is_one = np.arange(len(train)) < len(one)
  # In the dual, both easy and hard texts take a tenth of a second.
  classifier = LogisticRegression(
    solver='liblinear', dual=True, C=1.0, max_iter=1000, random_state=0
  )
  with warnings.catch_warnings():
    # Texts that are told apart without fail converge late; it does not matter.
    warnings.simplefilter('ignore')
    classifier.fit(features[train], is_one[train])
  scores = classifier.decision_function(features[~train])
  return area(scores[is_one[~train]], scores[~is_one[~train]])


def area(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
  """Area under the ROC curve and its standard error (DeLong et al., 1988).

  Args:
    positive: [m] scores that should be high, m > 1.
    negative: [n] scores that should be low, n > 1.

  Returns:
    P(positive > negative) + P(equal) / 2, and its standard error.
  """
  from scipy.stats import rankdata

  m, n = len(positive), len(negative)
  ranks = rankdata(np.concatenate([positive, negative]))
  # The share of the other side that each score beats, ties counted half.
  beaten = (ranks[:m] - rankdata(positive)) / n
  beating = 1 - (ranks[m:] - rankdata(negative)) / m
  variance = beaten.var(ddof=1) / m + beating.var(ddof=1) / n
  return float(beaten.mean()), float(np.sqrt(variance))


def real_floor(references: Sentences) -> dict[str, float]:
  """auc and auc_se between two halves of real text, drawn at random: the floor.

  Empty where a half has fewer than FEWEST sentences.
  """
  half = _half(np.random.RandomState(1), len(references))
  return _named(
    'auc',
    [s for s, chosen in zip(references, half) if chosen],
    [s for s, chosen in zip(references, half) if not chosen],
  )


def _too_few(one: Sentences, other: Sentences, together: bool) -> bool:
  """Whether a side has fewer than FEWEST sentences (different ones)."""
  if together:
    one, other = set(map(tuple, one)), set(map(tuple, other))
  return min(len(one), len(other)) < FEWEST


def _halves_apart(one: Sentences, other: Sentences) -> np.ndarray:
  """bool [both]: half of each side is True, whatever the sentences are."""
  rng = np.random.RandomState(0)
  return np.concatenate([_half(rng, len(one)), _half(rng, len(other))])


def _halves_together(one: Sentences, other: Sentences) -> np.ndarray:
  """bool [both]: half of the different sentences are True.

  Half of those that only `one` has, of those that only `other` has and of
  those that both have, so that no half can lack a side.
  """
  rng = np.random.RandomState(0)
  keys = [*map(tuple, one), *map(tuple, other)]
  ours, theirs = set(keys[: len(one)]), set(keys[len(one) :])
  strata: dict[tuple[bool, bool], list] = {}
  for key in dict.fromkeys(keys):
    strata.setdefault((key in ours, key in theirs), []).append(key)
  chosen = set()
  for members in strata.values():
    half = _half(rng, len(members))
    chosen.update(key for key, true in zip(members, half) if true)
  return np.array([key in chosen for key in keys])


def _half(rng: np.random.RandomState, total: int) -> np.ndarray:
  """bool [total], of which half (rounded down) are True."""
  return rng.permutation(total) < total // 2


def _features(sentences: Sentences, train: np.ndarray):
  """Which words and pairs of words each sentence has; sparse [n, features]."""
  from scipy import sparse

  blocks = []
  for sentence, gram in occurrences(sentences, max_n=2):
    grams, column = np.unique(gram, return_inverse=True)
    shape = (len(sentences), len(grams))
    block = sparse.csr_matrix((np.ones(len(gram)), (sentence, column)), shape)
    block.data[:] = 1.0  # entries were summed: how often does not count
    seen = np.bincount(block[train].indices, minlength=len(grams))
    blocks.append(block[:, seen >= _RARE])
  # A constant column: liblinear refuses a matrix without any.
  blocks.append(sparse.csr_matrix(np.ones((len(sentences), 1))))
  return sparse.hstack(blocks, format='csr')


def _auc(texts: Texts) -> dict[str, float]:
  return _named('auc', texts.samples, texts.references)


def _auc_train(texts: Texts) -> dict[str, float]:
  return _named('auc_train', texts.samples, texts.train, together=True)


def _named(
  name: str, one: Sentences, other: Sentences, together: bool = False
) -> dict[str, float]:
  """The area and its error by name; nothing where there are too few."""
  if _too_few(evenly(one, MOST), evenly(other, MOST), together):
    return {}
  value, error = auc(one, other, together)
  return {name: value, f'{name}_se': error}


AUC = Measure(
  {
    'auc': Metric(
      'AUC',
      'lower',
      'area under the curve of a classifier of samples against held-out text; '
      '.5 is ideal, below is noise',
      'both',
    )
  },
  _auc,
  ('references',),
)
AUC_TRAIN = Measure(
  {
    'auc_train': Metric(
      'AUC train',
      'lower',
      'the same against training text; copies bring it to .5 as well, and '
      'collapse may',
      'quality',
    )
  },
  _auc_train,
  ('train',),
)
