"""Signs of collapse and of copying that need no model, only the sentences.

BLEU alone hides collapse: one good sentence repeated scores well. Each of
these is a share of the samples or a plain mean; no smoothing, no sampling.
"""

from collections import Counter
from collections.abc import Mapping

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts

MIN_DISTINCT = 0.9
MAX_EXCESS = 0.15


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


def collapsed(
  measures: Mapping[str, float], real: Mapping[str, float] | None
) -> str:
  """Why the samples count as collapsed, or '' if they do not.

  They do if fewer than 0.9 of the sentences are distinct, or if Self-BLEU-4
  exceeds that of as many real sentences by 0.15. A measure that is missing
  accuses nobody.

  Args:
    measures: of the samples.
    real: of real text under the same protocol, or None.
  """
  distinct = measures.get('distinct_sentences')
  if distinct is not None and distinct < MIN_DISTINCT:
    return f'distinct sentences {distinct:.3f} < {MIN_DISTINCT}'
  ours = measures.get('self_bleu4')
  theirs = (real or {}).get('self_bleu4')
  if ours is not None and theirs is not None and ours > theirs + MAX_EXCESS:
    return f'Self-BLEU-4 {ours:.3f} > {theirs:.3f} of real text + {MAX_EXCESS}'
  return ''


def _total(samples: Sentences) -> int:
  if not samples:
    raise ValueError('there are no samples to measure')
  return len(samples)
