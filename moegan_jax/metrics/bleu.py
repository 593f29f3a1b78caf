"""BLEU, backward and Self-BLEU of whole sets of sentences, with NLTK's digits.

Papineni et al. (2002), as Texygen (Zhu et al., 2018) and its successors use
it: `nltk.translate.bleu_score.sentence_bleu` with uniform weights 1/n and
`SmoothingFunction().method1`, every hypothesis against all references, then
the mean over hypotheses. NLTK counts the references anew for each hypothesis;
here the largest count of each n-gram is found once, so 10,000 against 10,000
sentences take well under a second instead of hours.

n-grams are integers: a word's number, then the number of the pair
(n-1-gram, next word), and so on. Pairs are numbered by sorting, not hashed,
so two n-grams never share a number.
"""

from typing import NamedTuple

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts

_EPSILON = 0.1  # what method1 puts in the place of a numerator of zero


class _Counts(NamedTuple):
  """How often each sentence has each of its n-grams, for one n.

  sentence, gram, count: int64 [pairs]
  num_grams: how many different n-grams there are
  """

  sentence: np.ndarray
  gram: np.ndarray
  count: np.ndarray
  num_grams: int


def bleu(
  hypotheses: Sentences, references: Sentences, max_n: int = 5
) -> dict[str, np.ndarray]:
  """BLEU-2 .. BLEU-max_n of each hypothesis, all references for each.

  The brevity penalty takes the reference length closest to the hypothesis,
  the shorter one of two. Precisions are matches / max(1, n-grams) with
  method1's 0.1 for no match; without a common word, or without a word, a
  hypothesis scores 0.

  Args:
    hypotheses: tokenised sentences, at least one.
    references: tokenised sentences, at least one.
    max_n: the longest n-gram.

  Returns:
    {'bleu2': [hypotheses], 'bleu3': ..., ...}; the measure is the mean
  """
  _refuse_nothing(hypotheses, references)
  lengths, tables = _count([*hypotheses, *references], max_n)
  ours = np.arange(len(lengths)) < len(hypotheses)
  return _named('bleu', _against(lengths, tables, ours))


def backward_bleu(
  samples: Sentences, references: Sentences, max_n: int = 5
) -> dict[str, float | np.ndarray]:
  """BLEU of each reference against all samples (Shi et al., 2018), and both.

  Forward BLEU is precision: what is said, is it real? Backward BLEU is recall:
  what real text says, can the generator say it? Their harmonic mean is low if
  either is. Backward BLEU grows with the number of samples.

  Args:
    samples: tokenised sentences, at least one.
    references: tokenised sentences, at least one.
    max_n: the longest n-gram.

  Returns:
    backward_bleu2 ..: [references]
    harmonic_bleu2 ..: 2 / (1 / forward + 1 / backward) of the two means, 0 if
      one of them is
  """
  _refuse_nothing(samples, references)
  lengths, tables = _count([*samples, *references], max_n)
  ours = np.arange(len(lengths)) < len(samples)
  scores = _against(lengths, tables, ~ours)
  forward, backward = _against(lengths, tables, ours).mean(1), scores.mean(1)
  total = forward + backward
  both = 2 * forward * backward / np.where(total > 0, total, 1)
  return {
    **_named('backward_bleu', scores),
    **{k: float(v) for k, v in _named('harmonic_bleu', both).items()},
  }


def self_bleu(sentences: Sentences, max_n: int = 5) -> dict[str, np.ndarray]:
  """BLEU of each sentence against all the others (Zhu et al., 2018).

  Leave-one-out over the whole set; the value grows with its size. The largest
  count of an n-gram among the others is the largest of all, or the second
  largest where the sentence itself holds the largest.

  Args:
    sentences: tokenised sentences, at least two (else ValueError).
    max_n: the longest n-gram.

  Returns:
    {'self_bleu2': [sentences], 'self_bleu3': ..., ...}
  """
  total = len(sentences)
  if total < 2:
    raise ValueError('Self-BLEU needs at least two sentences')
  lengths, tables = _count(sentences, max_n)
  matches = []
  for table in tables:
    most = _most_elsewhere(table)
    clipped = np.minimum(table.count, most)
    matches.append(np.bincount(table.sentence, clipped, minlength=total))
  closest = _closest(lengths, lengths, leave_one_out=True)
  return _named('self_bleu', _scores(matches, lengths, closest))


def _refuse_nothing(hypotheses: Sentences, references: Sentences) -> None:
  if not hypotheses or not references:
    raise ValueError('BLEU needs at least one hypothesis and one reference')


def _against(
  lengths: np.ndarray, tables: list[_Counts], ours: np.ndarray
) -> np.ndarray:
  """BLEU [max_n - 1, n] of some sentences against all the others.

  Args:
    lengths: int64 [sentences]
    tables: of the sentences, for n = 1 .. max_n
    ours: bool [sentences], n of them True, and at least one False
  """
  matches = []
  for table in tables:
    mine = ours[table.sentence]
    most = np.zeros(table.num_grams, np.int64)
    np.maximum.at(most, table.gram[~mine], table.count[~mine])
    clipped = np.minimum(table.count[mine], most[table.gram[mine]])
    sums = np.bincount(table.sentence[mine], clipped, minlength=len(ours))
    matches.append(sums[ours])
  return _scores(
    matches, lengths[ours], _closest(lengths[ours], lengths[~ours])
  )


def _count(
  sentences: Sentences, max_n: int
) -> tuple[np.ndarray, list[_Counts]]:
  """Sentence lengths [sentences] and a table of counts for n = 1 .. max_n."""
  lengths = np.array([len(words) for words in sentences], np.int64)
  numbers: dict[str, int] = {}
  words = np.array(
    [numbers.setdefault(w, len(numbers)) for s in sentences for w in s],
    np.int64,
  )
  owner = np.repeat(np.arange(len(sentences)), lengths)
  # Words from here to the end of the sentence, this one included.
  left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))
  start, gram, num_grams = np.arange(len(words)), words, len(numbers)
  tables = []
  for n in range(1, max_n + 1):
    if n > 1:
      fits = left[start] >= n
      start = start[fits]
      # Below 2**63 as long as words x vocabulary is.
      pair = gram[fits] * len(numbers) + words[start + n - 1]
      distinct, gram = np.unique(pair, return_inverse=True)
      num_grams = len(distinct)
    key = owner[start] * max(num_grams, 1) + gram
    key, count = np.unique(key, return_counts=True)
    sentence, which = np.divmod(key, max(num_grams, 1))
    tables.append(_Counts(sentence, which, count, num_grams))
  return lengths, tables


def _most_elsewhere(table: _Counts) -> np.ndarray:
  """[pairs]: the n-gram's largest count in the other sentences, 0 if none."""
  order = np.lexsort((table.count, table.gram))
  gram, count = table.gram[order], table.count[order]
  last = np.append(gram[1:] != gram[:-1], True)[: len(gram)]
  second = np.zeros_like(count)
  second[1:] = np.where(gram[1:] == gram[:-1], count[:-1], 0)
  largest = np.zeros(table.num_grams, np.int64)
  largest[gram[last]] = count[last]
  most = largest[table.gram]
  most[order[last]] = second[last]  # the owner of the largest count
  return most


def _closest(
  lengths: np.ndarray, others: np.ndarray, leave_one_out: bool = False
) -> np.ndarray:
  """The length among others that is closest to each of lengths [n] -> [n].

  With leave_one_out, lengths are others and each one's own is taken out; it
  stays a candidate if another sentence has the same length.
  """
  wanted, back = np.unique(lengths, return_inverse=True)
  offered, times = np.unique(others, return_counts=True)
  gap = np.abs(wanted[:, None] - offered[None, :]).astype(float)
  if leave_one_out:
    gap[np.diag(times == 1)] = np.inf  # here wanted and offered are the same
  # The first of two equal gaps is the shorter length.
  return offered[gap.argmin(axis=1)][back]


def _scores(
  matches: list[np.ndarray], lengths: np.ndarray, closest: np.ndarray
) -> np.ndarray:
  """Sentence BLEU [max_n - 1, n] from the clipped matches of each order."""
  logs = []
  for n, match in enumerate(matches, start=1):
    total = np.maximum(lengths - n + 1, 1)
    logs.append(np.log(np.where(match == 0, _EPSILON, match) / total))
  short = np.maximum(lengths, 1)
  brevity = np.where(lengths > closest, 1.0, np.exp(1 - closest / short))
  factor = np.where(matches[0] == 0, 0.0, brevity)
  orders = np.arange(1, len(matches) + 1)[:, None]
  return (factor * np.exp(np.cumsum(logs, axis=0) / orders))[1:]


def _named(name: str, scores: np.ndarray) -> dict[str, np.ndarray]:
  """What stands for each order, as name2, name3, ..."""
  return {f'{name}{n}': s for n, s in enumerate(scores, start=2)}


BLEU = Measure(
  {
    f'bleu{n}': Metric(
      f'BLEU-{n}',
      'higher',
      f'1..{n}-grams found in the test references',
      'quality',
    )
    for n in range(2, 6)
  },
  lambda texts: bleu(texts.samples, texts.references),
  ('references',),
)


def _self_bleu(texts: Texts) -> dict[str, np.ndarray]:
  return self_bleu(texts.samples) if len(texts.samples) > 1 else {}


SELF_BLEU = Measure(
  {
    f'self_bleu{n}': Metric(
      f'Self-BLEU-{n}', 'real', 'each sample against all others', 'diversity'
    )
    for n in range(2, 6)
  },
  _self_bleu,
)


BACKWARD = Measure(
  {
    **{
      f'backward_bleu{n}': Metric(
        f'backward BLEU-{n}',
        'higher',
        f'1..{n}-grams of the test references found in the samples; grows '
        'with their number',
        'diversity',
      )
      for n in range(2, 6)
    },
    **{
      f'harmonic_bleu{n}': Metric(
        f'harmonic BLEU-{n}',
        'higher',
        f'harmonic mean of BLEU-{n} and backward BLEU-{n}',
        'both',
      )
      for n in range(2, 6)
    },
  },
  lambda texts: backward_bleu(texts.samples, texts.references),
  ('references',),
)
