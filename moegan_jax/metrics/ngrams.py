"""How rich the n-grams are, and how far their distribution is from real text.

  distinct-n       different n-grams / all n-grams (Li et al., 2016)
  n-gram entropy   of their distribution, in nats (Zhang et al., 2018)
  n-gram JS        Jensen-Shannon divergence of the distributions of samples
                   and of references, in nats, at most log 2

All are plug-in estimates: they depend on how many sentences there are, and
the longer the n-gram, the more. The divergence of two halves of one text is
above 0 by that alone. So they are read beside real text of the same size.

n-grams are counted within sentences, without a start or end symbol.
"""

from typing import NamedTuple

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts

MAX_N = 4
_TOO_LARGE = 2**63


class Occurrences(NamedTuple):
  """Every n-gram of a list of sentences, for one n, in the order of the text.

  sentence: int64 [occurrences], the number of its sentence, rising
  gram: int64 [occurrences], equal for equal n-grams and only for those
  """

  sentence: np.ndarray
  gram: np.ndarray

  def split(self, at: int) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams of the first `at` sentences, and those of the others."""
    here = np.searchsorted(self.sentence, at)
    return self.gram[:here], self.gram[here:]


def occurrences(sentences: Sentences, max_n: int = MAX_N) -> list[Occurrences]:
  """The n-grams of the sentences for n = 1 .. max_n, numbered without hashing.

  An n-gram's number has a digit for each word, in base of the vocabulary's
  size; what has been numbered is numbered anew before 63 bits overflow. So
  two n-grams never share a number.
  """
  lengths = np.array([len(words) for words in sentences], np.int64)
  numbers: dict[str, int] = {}
  words = np.array(
    [numbers.setdefault(w, len(numbers)) for s in sentences for w in s],
    np.int64,
  )
  base = size = max(len(numbers), 1)  # numbers are below size
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
  """distinct1..4 and ngram_entropy1..4; an n without n-grams is left out."""
  found = {}
  for n, (_, grams) in enumerate(occurrences(samples), start=1):
    if len(grams):
      counts = np.unique(grams, return_counts=True)[1]
      found[f'distinct{n}'] = len(counts) / len(grams)
      found[f'ngram_entropy{n}'] = entropy(counts / len(grams))
  return found


def ngram_js(samples: Sentences, references: Sentences) -> dict[str, float]:
  """ngram_js1..4; an n for which either has no n-grams is left out.

  Biased upwards by finite samples, more so for longer n-grams: most of those
  occur once, and what occurs once on one side is missing on the other.
  """
  found = {}
  both = occurrences([*samples, *references])
  for n, table in enumerate(both, start=1):
    ours, theirs = table.split(len(samples))
    if len(ours) and len(theirs):
      found[f'ngram_js{n}'] = js_of(ours, theirs)
  return found


def js_of(ours: np.ndarray, theirs: np.ndarray) -> float:
  """JS of the distributions of two lists of numbers, in nats."""
  one, one_counts = np.unique(ours, return_counts=True)
  two, two_counts = np.unique(theirs, return_counts=True)
  union = np.union1d(one, two)
  p, q = np.zeros((2, len(union)))
  p[np.searchsorted(union, one)] = one_counts / len(ours)
  q[np.searchsorted(union, two)] = two_counts / len(theirs)
  return jensen_shannon(p, q)


def entropy(p: np.ndarray) -> float:
  """-sum p log p in nats; 0 log 0 = 0."""
  p = p[p > 0]
  return float(-(p * np.log(p)).sum()) + 0.0  # never -0.0


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
  """JS(p, q) = H((p + q) / 2) - (H(p) + H(q)) / 2, in nats, 0 to log 2."""
  js = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
  return min(max(js, 0.0), float(np.log(2)))  # rounding can step outside


NGRAMS = Measure(
  {
    f'distinct{n}': Metric(
      f'distinct-{n}',
      'real',
      f'different {n}-grams / all {n}-grams; falls with the number of samples',
      'diversity',
    )
    for n in range(1, MAX_N + 1)
  }
  | {
    f'ngram_entropy{n}': Metric(
      f'{n}-gram entropy',
      'real',
      f'nats, of the distribution of {n}-grams',
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
      'at most .693; finite samples raise it, so hold it against real text',
      'both',
    )
    for n in range(1, MAX_N + 1)
  },
  _ngram_js,
  ('references',),
)
