"""How far the samples are from the training text: copies lower all of these.

  copied_4grams  the share of the samples' 4-grams that training text has
  nearest        word-level Levenshtein distance to the nearest training
                 sentence over the longer one's length, mean over samples
  novelty        1 - the Jaccard similarity of the sets of words, to the most
                 similar training sentence, mean over samples: the novelty of
                 SentiGAN (Wang & Wan, 2018) and SLGAN

Held-out text is not 1 in any of them, so all are read beside real text. Noise
raises them too: they tell copies from the rest, not good from bad.

The last two compare each sample with each training sentence. Where that would
take long, evenly spaced samples are compared; `scored` says how many.
"""

from collections.abc import Iterator

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts
from moegan_jax.metrics.ngrams import occurrences
from moegan_jax.metrics.subset import evenly

# About 6 seconds on two cores. A pair of sentences costs a unit a word of
# the one if the other fits into a machine word of bits, else about three a
# word and machine word.
_BUDGET = 6e9
_BITS = 64
_ROWS = 500  # samples whose distances are found at once
_CELLS = 20_000_000  # numbers held at once


def scored(samples: Sentences, train: Sentences) -> int:
  """How many of the samples `nearest` and `novelty` look at: all if they can.

  It follows from the numbers and the lengths of the sentences alone.
  """
  if not samples or not train:
    return len(samples)
  lengths = np.array([len(words) for words in samples])
  machine_words = -(-lengths // _BITS)
  factor = np.where(machine_words > 1, 3 * machine_words, 1).mean()
  words = sum(len(words) + 1 for words in train)
  return int(np.clip(_BUDGET / (factor * words), 1, len(samples)))


def copied_4grams(samples: Sentences, train: Sentences) -> float | None:
  """The share of the samples' 4-grams that occur in train; None without any.

  A 4-gram that the samples have twice counts twice.
  """
  table = occurrences([*samples, *train], max_n=4)[-1]
  ours, theirs = table.split(len(samples))
  return float(np.isin(ours, theirs).mean()) if len(ours) else None


def nearest_sentences(
  samples: Sentences, train: Sentences
) -> list[tuple[int, float]]:
  """For each sample, the nearest training sentence and how far it is.

  The distance is Levenshtein's over words, divided by the length of the
  longer sentence: 0 for a copy, 1 without a word in common place. Of equally
  near sentences the first is taken. No sample is left out; see `scored`.

  Args:
    samples: tokenised sentences.
    train: at least one (else ValueError).

  Returns:
    (index into train, distance) for each sample
  """
  where, distances = _nearest(samples, train)
  return list(zip(where.tolist(), distances.tolist()))


def nearest(samples: Sentences, train: Sentences) -> np.ndarray:
  """The distances of `nearest_sentences`: [samples], 0 to 1."""
  return _nearest(samples, train)[1]


def novelty(samples: Sentences, train: Sentences) -> np.ndarray:
  """1 - the largest Jaccard similarity of word sets to train: [samples].

  Two empty sentences are alike, an empty one is like no other.
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
    # A sparse matrix times a dense one: a tenth of the time of two sparse.
    common = ours_by_word @ _incidence(part, numbers).T.toarray(order='C')
    similar = common / (sizes + _sizes(part) - common)
    np.maximum(most, similar.max(1), out=most)
  return 1.0 - most.astype(np.float64)


def _nearest(
  samples: Sentences, train: Sentences
) -> tuple[np.ndarray, np.ndarray]:
  """[samples] indices into train, [samples] distances."""
  from rapidfuzz import process
  from rapidfuzz.distance import Levenshtein

  _refuse_nothing(train)
  numbers: dict[str, int] = {}

  def numbered(sentences) -> Iterator[tuple[int, ...]]:
    for words in sentences:
      yield tuple(numbers.setdefault(w, len(numbers)) for w in words)

  rows: dict[tuple[int, ...], int] = {}  # what is repeated is compared once
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
  """The set of words; an empty sentence has one that no other one has."""
  return set(sentence) or {None}


def _sizes(sets: list[set]) -> np.ndarray:
  return np.array([len(words) for words in sets], np.float32)


def _incidence(sets: list[set], numbers: dict):
  """1 where a set has a word; sparse float32 [sets, words of numbers]."""
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
  return values if share is None else {'copied_4grams': share} | values


NOVELTY = Measure(
  {
    'copied_4grams': Metric(
      'copied 4-grams', 'real', 'share of the 4-grams that training text has'
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
