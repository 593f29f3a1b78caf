"""Distance of samples from the training text.

    copied_4grams  the share of 4-grams of the samples that training text has
    nearest        word-level Levenshtein distance to the nearest training
                   sentence, divided by the length of the longer sentence; mean
                   over samples
    novelty        1 - Jaccard similarity of the sets of words to the most
                   similar training sentence; mean over samples (SentiGAN,
                   Wang & Wan, 2018; SLGAN)

Held-out text does not reach the extreme values: compare with real text. Noise
increases the distances, too: the measures detect copies, not quality.

`nearest` and `novelty` compare each sample with each training sentence. For
large texts they use evenly spaced samples; `scored` returns their number.
"""

from collections.abc import Iterator

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts
from moegan_jax.metrics.ngrams import occurrences
from moegan_jax.metrics.subset import evenly

# About 6 seconds on two cores. A pair of sentences costs one unit per training
# word if the sample fits into a machine word of bits, else about three units
# per training word and machine word.
_BUDGET = 6e9
_BITS = 64
_ROWS = 500  # samples per call of cdist
_CELLS = 20_000_000  # numbers in memory at once


def scored(samples: Sentences, train: Sentences) -> int:
  """Returns the number of samples that `nearest` and `novelty` compare.

  It is a function of the numbers and lengths of the sentences, so it does not
  depend on the speed of the machine.

  Args:
    samples: tokenised sentences.
    train: tokenised sentences.

  Returns:
    The number of all samples, or fewer if the comparison would take long.
  """
  if not samples or not train:
    return len(samples)
  lengths = np.array([len(words) for words in samples])
  machine_words = -(-lengths // _BITS)
  factor = np.where(machine_words > 1, 3 * machine_words, 1).mean()
  words = sum(len(words) + 1 for words in train)
  return int(np.clip(_BUDGET / (factor * words), 1, len(samples)))


def copied_4grams(samples: Sentences, train: Sentences) -> float | None:
  """Computes the share of 4-grams of the samples that occur in train.

  Each occurrence counts. The value is None if the samples have no 4-gram.
  """
  table = occurrences([*samples, *train], max_n=4)[-1]
  ours, theirs = table.split(len(samples))
  return float(np.isin(ours, theirs).mean()) if len(ours) else None


def nearest_sentences(
  samples: Sentences, train: Sentences
) -> list[tuple[int, float]]:
  """Finds the nearest training sentence of each sample.

  The distance is the Levenshtein distance over words, divided by the length
  of the longer sentence: 0 for a copy, 1 if no word can be aligned. The first
  of equally near sentences is returned. All samples are compared, unlike in
  the measure `nearest`; see `scored`.

  Args:
    samples: tokenised sentences.
    train: tokenised sentences, at least one.

  Returns:
    (index into train, distance) for each sample.

  Raises:
    ValueError: there are no training sentences.
  """
  where, distances = _nearest(samples, train)
  return list(zip(where.tolist(), distances.tolist()))


def nearest(samples: Sentences, train: Sentences) -> np.ndarray:
  """Computes the distances of `nearest_sentences`: [samples], 0 to 1."""
  return _nearest(samples, train)[1]


def novelty(samples: Sentences, train: Sentences) -> np.ndarray:
  """Computes 1 - the largest Jaccard similarity to a training sentence.

  The similarity of two empty sentences is 1; that of an empty sentence to any
  other is 0.

  Args:
    samples: tokenised sentences.
    train: tokenised sentences, at least one.

  Returns:
    [samples], 0 to 1.

  Raises:
    ValueError: there are no training sentences.
  """
  _refuse_nothing(train)
  ours = [_words(words) for words in samples]
  theirs = [_words(words) for words in train]
  numbers: dict = {}
  for words in ours:
    for word in words:
      numbers.setdefault(word, len(numbers))
  ours_by_word, sizes = _incidence(ours, numbers), _sizes(ours)[:, None]
  most = np.zeros(len(ours), np.float32)
  step = min(200, max(1, _CELLS // max(len(numbers), len(ours), 1)))
  for start in range(0, len(theirs), step):
    part = theirs[start : start + step]
    # Sparse times dense takes a tenth of the time of sparse times sparse.
    common = ours_by_word @ _incidence(part, numbers).T.toarray(order='C')
    similar = common / (sizes + _sizes(part) - common)
    np.maximum(most, similar.max(1), out=most)
  return 1.0 - most.astype(np.float64)


def _nearest(
  samples: Sentences, train: Sentences
) -> tuple[np.ndarray, np.ndarray]:
  """Returns indices into train [samples] and distances [samples]."""
  from rapidfuzz import process
  from rapidfuzz.distance import Levenshtein

  _refuse_nothing(train)
  numbers: dict[str, int] = {}

  def numbered(sentences) -> Iterator[tuple[int, ...]]:
    for words in sentences:
      yield tuple(numbers.setdefault(w, len(numbers)) for w in words)

  rows: dict[tuple[int, ...], int] = {}  # repeated samples are compared once
  row = [rows.setdefault(key, len(rows)) for key in numbered(samples)]
  queries, choices = list(rows), list(numbered(train))
  where = np.zeros(len(queries), np.int64)
  distances = np.zeros(len(queries))
  step = min(_ROWS, max(1, _CELLS // len(choices)))
  for start in range(0, len(queries), step):
    part = slice(start, start + step)
    table = process.cdist(
      queries[part],
      choices,
      scorer=Levenshtein.normalized_distance,
      dtype=np.float32,
      workers=-1,
    )
    where[part] = table.argmin(1)
    distances[part] = table.min(1)
  return where[row], distances[row]


def _words(sentence: list[str]) -> set:
  """Returns the set of words; {None} for an empty sentence."""
  return set(sentence) or {None}


def _sizes(sets: list[set]) -> np.ndarray:
  return np.array([len(words) for words in sets], np.float32)


def _incidence(sets: list[set], numbers: dict):
  """Returns sparse float32 [sets, words]: 1 if the set has the word."""
  from scipy import sparse

  held = [[numbers[w] for w in words if w in numbers] for words in sets]
  columns = np.array([word for one in held for word in one], np.int64)
  ends = np.cumsum([0, *map(len, held)])
  ones = np.ones(len(columns), np.float32)
  return sparse.csr_matrix((ones, columns, ends), (len(sets), len(numbers)))


def _refuse_nothing(train: Sentences) -> None:
  if not train:
    raise ValueError('there is no training text to compare with')


def _novelty(texts: Texts) -> dict[str, float | np.ndarray]:
  some = evenly(texts.samples, scored(texts.samples, texts.train))
  values: dict[str, float | np.ndarray] = {
    'nearest': nearest(some, texts.train),
    'novelty': novelty(some, texts.train),
  }
  share = copied_4grams(texts.samples, texts.train)
  return values if share is None else {'copied_4grams': share, **values}


NOVELTY = Measure(
  {
    'copied_4grams': Metric(
      'copied 4-grams', 'real', 'share of 4-grams that training text has'
    ),
    'nearest': Metric(
      'nearest',
      'real',
      'word-level edit distance to the nearest training sentence, 0 (a copy) '
      'to 1',
    ),
    'novelty': Metric(
      'novelty',
      'real',
      '1 - Jaccard similarity of words to the most similar training sentence',
    ),
  },
  _novelty,
  ('train',),
)
