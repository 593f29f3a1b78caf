"""Classifier two-sample test between samples and real text.

The test is that of Lopez-Paz & Oquab (2017), with the area under the ROC curve
instead of accuracy. A logistic regression on the presence of words and pairs
of adjacent words is trained on half of the sentences and scored on the other
half. An area of .5 is ideal (lower values are noise), and 1 is perfect
separation. The features ignore longer-range order, so .5 does not prove that
the distributions are equal.

Against held-out text, the halves are drawn by sentence, and duplicates may be
in both halves. Samples are independent draws, so repeated sentences in both
halves are not a leak: they are how the test detects collapse. With duplicates
in one half, a generator of twenty good sentences would have an area near .5.

Against training text, a copied sentence is on both sides. If its two copies
were in different halves, the classifier would learn the wrong label for it,
and the area would fall far below .5. There, equal sentences are in the same
half: copies count as indistinguishable, and the test does not detect collapse.
"""

import warnings

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts
from moegan_jax.metrics.ngrams import occurrences
from moegan_jax.metrics.subset import evenly

MOST = 10_000  # sentences per side; larger sides are evenly subsampled
FEWEST = 20  # sentences per side; smaller sides have no result
_RARE = 2  # training sentences that a feature must be in, at least


def auc(
  one: Sentences, other: Sentences, together: bool = False
) -> tuple[float, float]:
  """Computes the area under the ROC curve of a classifier of two texts.

  Args:
    one: tokenised sentences, at least FEWEST; at most MOST are used, evenly
      spaced.
    other: tokenised sentences, with the same limits.
    together: keep equal sentences in the same half, for texts that may contain
      copies of each other. FEWEST then counts distinct sentences.

  Returns:
    The area on the half without training, and its standard error (DeLong et
    al., 1988), which does not include the variance of training. Equal
    arguments give equal values.

  Raises:
    ValueError: a side has fewer than FEWEST sentences.
  """
  from sklearn.linear_model import LogisticRegression

  one, other = evenly(one, MOST), evenly(other, MOST)
  if _too_few(one, other, together):
    raise ValueError(f'the test needs {FEWEST} sentences per side')
  train = (_halves_together if together else _halves_apart)(one, other)
  table = features([*one, *other], train)
  is_one = np.arange(len(train)) < len(one)
  # The dual takes a tenth of a second for separable and other texts alike.
  classifier = LogisticRegression(
    solver='liblinear', dual=True, C=1.0, max_iter=1000, random_state=0
  )
  with warnings.catch_warnings():
    # Perfectly separable texts converge slowly, without effect on the area.
    warnings.simplefilter('ignore')
    classifier.fit(table[train], is_one[train])
  scores = classifier.decision_function(table[~train])
  return area(scores[is_one[~train]], scores[~is_one[~train]])


def area(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
  """Computes the area under the ROC curve and its standard error.

  The standard error is that of DeLong et al. (1988).

  Args:
    positive: [m], scores that should be high, m > 1.
    negative: [n], scores that should be low, n > 1.

  Returns:
    P(positive > negative) + P(equal) / 2, and its standard error.
  """
  from scipy.stats import rankdata

  m, n = len(positive), len(negative)
  ranks = rankdata(np.concatenate([positive, negative]))
  # The share of the other side that each score exceeds; ties count half.
  beaten = (ranks[:m] - rankdata(positive)) / n
  beating = 1 - (ranks[m:] - rankdata(negative)) / m
  variance = beaten.var(ddof=1) / m + beating.var(ddof=1) / n
  return float(beaten.mean()), float(np.sqrt(variance))


def real_floor(references: Sentences) -> dict[str, float]:
  """Computes auc and auc_se between two random halves of real text.

  This is the value of a perfect generator. It is {} if a half has fewer than
  FEWEST sentences.
  """
  half = _half(np.random.RandomState(1), len(references))
  return _named(
    'auc',
    [s for s, chosen in zip(references, half) if chosen],
    [s for s, chosen in zip(references, half) if not chosen],
  )


def _too_few(one: Sentences, other: Sentences, together: bool) -> bool:
  """Whether a side has fewer than FEWEST sentences, distinct if together."""
  sizes = [
    len(set(map(tuple, s))) if together else len(s) for s in (one, other)
  ]
  return min(sizes) < FEWEST


def _halves_apart(one: Sentences, other: Sentences) -> np.ndarray:
  """Returns bool [both], True for a random half of each side."""
  rng = np.random.RandomState(0)
  return np.concatenate([_half(rng, len(one)), _half(rng, len(other))])


def _halves_together(one: Sentences, other: Sentences) -> np.ndarray:
  """Returns bool [both], True for a random half of the distinct sentences.

  The halves are stratified by the sides that have the sentence, so that each
  half has sentences of each side.
  """
  rng = np.random.RandomState(0)
  keys = [*map(tuple, one), *map(tuple, other)]
  ours, theirs = set(keys[: len(one)]), set(keys[len(one) :])
  strata: dict[tuple[bool, bool], list] = {}
  for key in dict.fromkeys(keys):
    strata.setdefault((key in ours, key in theirs), []).append(key)
  chosen: set[tuple[str, ...]] = set()
  for members in strata.values():
    half = _half(rng, len(members))
    chosen.update(key for key, true in zip(members, half) if true)
  return np.array([key in chosen for key in keys])


def _half(rng: np.random.RandomState, total: int) -> np.ndarray:
  """Returns bool [total], True for a random half, rounded down."""
  return rng.permutation(total) < total // 2


def features(sentences: Sentences, train: np.ndarray):
  """Returns sparse [n, features]: 1 for words and word pairs of a sentence.

  Args:
    sentences: n tokenised sentences.
    train: bool [n], the sentences that select the features.
  """
  from scipy import sparse

  blocks = []
  for sentence, gram in occurrences(sentences, max_n=2):
    grams, column = np.unique(gram, return_inverse=True)
    shape = (len(sentences), len(grams))
    block = sparse.csr_matrix((np.ones(len(gram)), (sentence, column)), shape)
    block.data[:] = 1.0  # the constructor sums repeated entries
    seen = np.bincount(block[train].indices, minlength=len(grams))
    blocks.append(block[:, seen >= _RARE])
  # liblinear refuses a matrix without columns.
  blocks.append(sparse.csr_matrix(np.ones((len(sentences), 1))))
  return sparse.hstack(blocks, format='csr')


def _auc(texts: Texts) -> dict[str, float]:
  return _named('auc', texts.samples, texts.references)


def _auc_train(texts: Texts) -> dict[str, float]:
  return _named('auc_train', texts.samples, texts.train, together=True)


def _named(
  name: str, one: Sentences, other: Sentences, together: bool = False
) -> dict[str, float]:
  """Returns the area and its standard error by name; {} if too few."""
  if _too_few(evenly(one, MOST), evenly(other, MOST), together):
    return {}
  value, error = auc(one, other, together)
  return {name: value, f'{name}_se': error}


AUC = Measure(
  {
    'auc': Metric(
      'AUC',
      'lower',
      'area under the ROC curve of a classifier of samples against held-out '
      'text; .5 is ideal, lower values are noise',
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
      'area under the ROC curve of a classifier of samples against training '
      'text; copies lower it to .5, and collapse can lower it, too',
      'quality',
    )
  },
  _auc_train,
  ('train',),
)
