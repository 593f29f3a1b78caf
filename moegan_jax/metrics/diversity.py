"""Measures of collapse and copying that need sentences only.

BLEU alone hides collapse: one good sentence that is repeated scores well.
Each measure is a share of the samples or a mean over samples.
"""

from collections import Counter

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts


def distinct_sentences(samples: Sentences) -> float:
  """Computes distinct sentences / sentences; it falls with their number."""
  return len(set(map(tuple, samples))) / _total(samples)


def top_sentence(samples: Sentences) -> float:
  """Computes the share of the most frequent sentence."""
  return max(Counter(map(tuple, samples)).values(), default=0) / _total(samples)


def mean_length(samples: Sentences) -> float:
  """Computes the mean number of words; the end symbol does not count."""
  return sum(map(len, samples)) / _total(samples)


def copied(samples: Sentences, train: Sentences) -> float:
  """Computes the share of samples that equal a training sentence."""
  known = set(map(tuple, train))
  return sum(tuple(words) in known for words in samples) / _total(samples)


def _diversity(texts: Texts) -> dict[str, float]:
  values = {
    'distinct_sentences': distinct_sentences(texts.samples),
    'top_sentence': top_sentence(texts.samples),
    'mean_length': mean_length(texts.samples),
  }
  if texts.train:
    values['copied'] = copied(texts.samples, texts.train)
  return values


DIVERSITY = Measure(
  {
    'distinct_sentences': Metric(
      'distinct',
      'real',
      'share of sentences that differ from each other; falls with the number '
      'of samples',
      'diversity',
    ),
    'top_sentence': Metric(
      'top', 'real', 'share of the most frequent sentence', 'diversity'
    ),
    'mean_length': Metric(
      'length', 'real', 'mean number of words in a sentence'
    ),
    'copied': Metric(
      'copied', 'real', 'share of samples that equal a training sentence'
    ),
  },
  _diversity,
)


def _total(samples: Sentences) -> int:
  if not samples:
    raise ValueError('there are no samples to measure')
  return len(samples)
