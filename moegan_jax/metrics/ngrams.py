"""Diversity of n-grams, and divergence of their distribution from real text.

    distinct-n       distinct n-grams / all n-grams (Li et al., 2016)
    n-gram entropy   entropy of their distribution, in nats (Zhang et al., 2018)
    n-gram JS        Jensen-Shannon divergence between the distributions of
                     samples and references, in nats, at most log 2

All are plug-in estimates and depend on the number of sentences, more so for
long n-grams: two halves of one text have a positive divergence. Compare them
with real text of the same number of sentences.

n-grams are counted within sentences, without a start or end symbol.
"""

from typing import NamedTuple

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts

MAX_N = 4
_TOO_LARGE = 2**63


class Occurrences(NamedTuple):
  """All n-grams of a list of sentences, for one n, in the order of the text.

  Attributes:
    sentence: int64 [occurrences], the index of the sentence, ascending.
    gram: int64 [occurrences], equal if and only if the n-grams are equal.
  """

  sentence: np.ndarray
  gram: np.ndarray

  def split(self, at: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the n-grams of the first `at` sentences, and of the others."""
    here = np.searchsorted(self.sentence, at)
    return self.gram[:here], self.gram[here:]


def occurrences(sentences: Sentences, max_n: int = MAX_N) -> list[Occurrences]:
  """Lists the n-grams of sentences for n = 1 .. max_n.

  An n-gram is an integer with a digit per word, in the base of the vocabulary
  size. The integers are renumbered before they exceed 63 bits. There are no
  collisions as with hashing.

  Args:
    sentences: tokenised sentences.
    max_n: the longest n-gram.

  Returns:
    The occurrences for each n.
  """
  lengths = np.array([len(words) for words in sentences], np.int64)
  numbers: dict[str, int] = {}
  words = np.array(
    [numbers.setdefault(w, len(numbers)) for s in sentences for w in s],
    np.int64,
  )
  base = size = max(len(numbers), 1)  # all integers are below size
  sentence = np.repeat(np.arange(len(sentences)), lengths)
  left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))
  start, gram = np.arange(len(words)), words
  found = [Occurrences(sentence, gram)]
  for n in range(2, max_n + 1):
    longer = left[start] >= n
    start, gram = start[longer], gram[longer]
    if size * base >= _TOO_LARGE:
      distinct_grams, gram = np.unique(gram, return_inverse=True)
      size = max(len(distinct_grams), 1)
    gram, size = gram * base + words[start + n - 1], size * base
    found.append(Occurrences(sentence[start], gram))
  return found


def distinct(samples: Sentences) -> dict[str, float]:
  """Computes distinct1..4 and ngram_entropy1..4, for n that have n-grams."""
  found = {}
  for n, (_, grams) in enumerate(occurrences(samples), start=1):
    if len(grams):
      counts = np.unique(grams, return_counts=True)[1]
      found[f'distinct{n}'] = len(counts) / len(grams)
      found[f'ngram_entropy{n}'] = entropy(counts / len(grams))
  return found


def ngram_js(samples: Sentences, references: Sentences) -> dict[str, float]:
  """Computes ngram_js1..4, for n that have n-grams on both sides.

  The estimate is biased upwards, more so for long n-grams: most of them occur
  once, on one side only.
  """
  found = {}
  both = occurrences([*samples, *references])
  for n, table in enumerate(both, start=1):
    ours, theirs = table.split(len(samples))
    if len(ours) and len(theirs):
      found[f'ngram_js{n}'] = js_of(ours, theirs)
  return found


def js_of(ours: np.ndarray, theirs: np.ndarray) -> float:
  """Computes the JS divergence of two lists of integers, in nats."""
  one, one_counts = np.unique(ours, return_counts=True)
  two, two_counts = np.unique(theirs, return_counts=True)
  union = np.union1d(one, two)
  p, q = np.zeros((2, len(union)))
  p[np.searchsorted(union, one)] = one_counts / len(ours)
  q[np.searchsorted(union, two)] = two_counts / len(theirs)
  return jensen_shannon(p, q)


def entropy(p: np.ndarray) -> float:
  """Computes -sum p log p in nats; 0 log 0 = 0."""
  p = p[p > 0]
  return float(-(p * np.log(p)).sum()) + 0.0  # converts -0.0 to 0.0


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
  """Computes H((p + q) / 2) - (H(p) + H(q)) / 2 in nats, 0 to log 2."""
  js = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
  return min(max(js, 0.0), float(np.log(2)))  # rounding errors


NGRAMS = Measure(
  {
    f'distinct{n}': Metric(
      f'distinct-{n}',
      'real',
      f'distinct {n}-grams / all {n}-grams; falls with the number of samples',
      'diversity',
    )
    for n in range(1, MAX_N + 1)
  }
  | {
    f'ngram_entropy{n}': Metric(
      f'{n}-gram entropy',
      'real',
      f'entropy of the distribution of {n}-grams in nats',
      'diversity',
    )
    for n in range(1, MAX_N + 1)
  },
  lambda texts: distinct(texts.samples),
)


def _ngram_js(texts: Texts) -> dict[str, float]:
  return ngram_js(texts.samples, texts.references)


NGRAM_JS = Measure(
  {
    f'ngram_js{n}': Metric(
      f'{n}-gram JS',
      'lower',
      f'Jensen-Shannon divergence of {n}-grams from the references in nats, '
      'at most .693; biased upwards: compare it with the row of real text',
      'both',
    )
    for n in range(1, MAX_N + 1)
  },
  _ngram_js,
  ('references',),
)
