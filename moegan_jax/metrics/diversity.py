"""Signs of collapse and of copying that need no model, only the sentences.

BLEU alone hides collapse: one good sentence repeated scores well. Each of
these is a share of the samples or a plain mean; no smoothing, no sampling.
"""

from collections import Counter

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts


def distinct_sentences(samples: Sentences) -> float:
  """Different sentences / sentences; 1 if none occurs twice."""
  return len(set(map(tuple, samples))) / _total(samples)


def top_sentence(samples: Sentences) -> float:
  """The share of the commonest sentence; 1 if all are the same."""
  return max(Counter(map(tuple, samples)).values(), default=0) / _total(samples)


def mean_length(samples: Sentences) -> float:
  """Words in a sentence, on average; the end symbol is no word."""
  return sum(map(len, samples)) / _total(samples)


def copied(samples: Sentences, train: Sentences) -> float:
  """The share of samples that equal a training sentence, word for word."""
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
      'share of sentences that differ from each other',
      'diversity',
    ),
    'top_sentence': Metric(
      'top', 'real', 'share of the commonest sentence', 'diversity'
    ),
    'mean_length': Metric('length', 'real', 'words in a sentence'),
    'copied': Metric('copied', 'real', 'share that equals a training sentence'),
  },
  _diversity,
)


def _total(samples: Sentences) -> int:
  if not samples:
    raise ValueError('there are no samples to measure')
  return len(samples)
