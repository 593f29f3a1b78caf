"""Guards: collapse, memorisation, and less diversity than the MLE start.

Good scores can hide these faults. Each guard returns a reason with its
figures, or '' if the samples pass. A guard ignores measures that are missing.
All numbers are of one seed.

The share of distinct sentences falls with the number of sentences, and
Self-BLEU rises with it. The guards therefore compare equal numbers of
sentences: see `of_size`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from moegan_jax.metrics import bleu, diversity
from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN, Sentences
from moegan_jax.metrics.subset import drawn

MIN_DISTINCT = 0.9  # times the share of real text
MAX_EXCESS = 0.15
MAX_COPIED = 0.05  # above the share of held-out text
MAX_COPIED_ALONE = 0.5  # without held-out text
MIN_NEAREST = 0.5  # times the distance of held-out text

# Measures whose expected value depends on the number of sentences.
_SIZED = ('distinct_sentences', 'self_bleu4')


def of_size(sentences: Sentences, size: int, suffix: str) -> dict[str, float]:
  """Measures the diversity of a random subset, for comparison at equal size.

  Call it where real text has fewer sentences than there are samples: once
  with the samples and once with the real text, with the same size and suffix.

  Args:
    sentences: samples or real text.
    size: the number of sentences to measure, at most all of them.
    suffix: AT_TRAIN or AT_TEST, the real text that determines the size.

  Returns:
    The share of distinct sentences and Self-BLEU-4, each under its key with
    the suffix; {} for fewer than two sentences.
  """
  subset = drawn(sentences, size)
  if len(subset) < 2:
    return {}
  self_bleu = bleu.self_bleu(subset, 4)['self_bleu4']
  return {
    f'distinct_sentences{suffix}': diversity.distinct_sentences(subset),
    f'self_bleu4{suffix}': float(self_bleu.mean()),
  }


def collapsed(
  measures: Mapping[str, float], real: Mapping[str, float] | None
) -> str:
  """Detects collapse: repeated or very similar samples.

  Samples count as collapsed if their share of distinct sentences is below 0.9
  times that of real text, or if their Self-BLEU-4 exceeds that of real text by
  0.15. The first limit is relative because real logs and lists of names
  repeat sentences, too.

  Args:
    measures: of the samples.
    real: of as many real sentences under the same protocol, or None.

  Returns:
    The reason, or '' if the samples have not collapsed.
  """
  distinct = measures.get('distinct_sentences')
  usual = (real or {}).get('distinct_sentences', 1.0)
  if distinct is not None and distinct < MIN_DISTINCT * usual:
    words = f' x {usual:.3f} of real text' if usual < 1 else ''
    return f'distinct sentences {distinct:.3f} < {MIN_DISTINCT}{words}'
  ours = measures.get('self_bleu4')
  theirs = (real or {}).get('self_bleu4')
  if ours is not None and theirs is not None and ours > theirs + MAX_EXCESS:
    return f'Self-BLEU-4 {ours:.3f} > {theirs:.3f} of real text + {MAX_EXCESS}'
  return ''


def memorised(
  measures: Mapping[str, float], real_test: Mapping[str, float] | None
) -> str:
  """Detects memorisation: samples that copy training sentences.

  Samples count as memorised if their share of copied sentences exceeds that of
  held-out text by 0.05, or if their mean distance to the nearest training
  sentence is below half of that of held-out text. Without held-out text, they
  count as memorised if more than half of them are copied.

  Args:
    measures: of the samples; `copied` and `nearest` are read.
    real_test: of held-out text against the same training text, or None.

  Returns:
    The reason, or '' if the samples are not memorised.
  """
  copied = measures.get('copied', 0.0)
  expected = (real_test or {}).get('copied')
  if expected is None:
    limit, words = MAX_COPIED_ALONE, f'{MAX_COPIED_ALONE}'
  else:
    limit = expected + MAX_COPIED
    words = f'{expected:.3f} of held-out text + {MAX_COPIED}'
  if copied > limit:
    return f'copied sentences {copied:.3f} > {words}'
  ours = measures.get('nearest')
  theirs = (real_test or {}).get('nearest')
  if ours is not None and theirs is not None and ours < MIN_NEAREST * theirs:
    return (
      f'distance to the nearest training sentence {ours:.3f} < '
      f'{MIN_NEAREST} x {theirs:.3f} of held-out text'
    )
  return ''


def marks(
  measures: Mapping[str, float],
  real_train: Mapping[str, float] | None = None,
  real_test: Mapping[str, float] | None = None,
) -> list[str]:
  """Marks samples that have collapsed or are memorised.

  Collapse is judged against training text. Held-out text replaces it for
  measures that training text lacks. Measures of equal numbers of sentences
  (see `of_size`) are preferred where both sides have them.

  Args:
    measures: of the samples.
    real_train: of training text in place of samples, or None.
    real_test: of held-out text against the training text, or None.

  Returns:
    Up to two lines, 'collapsed: REASON' and 'memorised: REASON'.
  """
  found = [_collapsed(key, measures, real_train, real_test) for key in _SIZED]
  reasons = {
    'collapsed': next(filter(None, found), ''),
    'memorised': memorised(measures, real_test),
  }
  return [f'{mark}: {reason}' for mark, reason in reasons.items() if reason]


def _collapsed(
  key: str,
  measures: Mapping[str, float],
  real_train: Mapping[str, float] | None,
  real_test: Mapping[str, float] | None,
) -> str:
  """Detects collapse by one measure; see `marks`."""
  if key not in measures:
    return ''
  for suffix, given in ((AT_TRAIN, real_train), (AT_TEST, real_test)):
    real = given or {}
    name = _common_name(key, (suffix,), (measures, real))
    if name:
      reason = collapsed({key: measures[name]}, {key: real[name]})
      # The figures differ from those of the table.
      note = ', of equal numbers of sentences' if name != key else ''
      return f'{reason}{note}' if reason else ''
  return collapsed({key: measures[key]}, None)


class _Watched(NamedTuple):
  """A measure in which a winner must not be worse than MLE.

  Attributes:
    label: its name in the reason.
    side: 1 if larger values are worse, -1 if smaller values are worse.
    margin: the tolerated difference; two standard errors if they are larger.
    ideal: the best possible value; None for the value of real text.
  """

  label: str
  side: int
  margin: float
  ideal: float | None


# The margins are the typical differences between samplings of one model.
_WATCHED = {
  'self_bleu4': _Watched('Self-BLEU-4', 1, 0.01, None),
  'distinct_sentences': _Watched('distinct sentences', -1, 0.01, None),
  'auc': _Watched('AUC', 1, 0.01, 0.5),
  'ngram_js3': _Watched('3-gram JS', 1, 0.01, 0.0),
  'jeffreys': _Watched('Jeffreys', 1, 0.02, 0.0),
  'nll_test_token': _Watched('NLL test/token', 1, 0.02, 0.0),
}


def worse_than_mle(
  measures: Mapping[str, float],
  mle: Mapping[str, float],
  real: Mapping[str, float] | None,
) -> str:
  """Detects a row that is less diverse, or further from real text, than MLE.

  Such a row cannot win a measure of quality: lowering the temperature of the
  MLE generator gives the same gain. The guard compares Self-BLEU-4, the share
  of distinct sentences, AUC, 3-gram JS, Jeffreys and the NLL of held-out text.
  A row is worse if it is further from the best value than MLE, on the side of
  less diversity, by more than a margin. For Self-BLEU-4 and distinct sentences
  the best value is that of real text, or of MLE without real text; a row may
  be more diverse than that.

  Args:
    measures: of the row, of one seed.
    mle: of the same generator after MLE, under the same protocol.
    real: of real text under the same protocol, or None.

  Returns:
    All reasons, joined by commas, or ''.
  """
  reasons = []
  for key, (label, side, _, ideal) in _WATCHED.items():
    if key not in measures or key not in mle:
      continue
    name, best = key, ideal
    if best is None:
      rows = (measures, mle, real or {})
      name = _common_name(key, (AT_TEST, AT_TRAIN), rows) or key
      best = (real or {}).get(name, mle[name])
    ours, theirs = measures[name], mle[name]
    excess = max(0.0, side * (ours - best)) - max(0.0, side * (theirs - best))
    if excess > _margin(key, measures, mle):
      sign = '>' if side > 0 else '<'
      reasons.append(f'{label} {ours:.3f} {sign} {theirs:.3f} of MLE')
  return ', '.join(reasons)


def _common_name(
  key: str, suffixes: tuple[str, ...], rows: tuple[Mapping[str, float], ...]
) -> str:
  """Returns the name of a measure that all rows have, or ''.

  Names with a suffix, which are of equal numbers of sentences, come first.
  """
  names = (*(f'{key}{suffix}' for suffix in suffixes), key)
  return next((n for n in names if all(n in row for row in rows)), '')


def _margin(
  key: str, measures: Mapping[str, float], mle: Mapping[str, float]
) -> float:
  """Returns the margin, or two standard errors of the difference if larger."""
  one, two = measures.get(f'{key}_se', 0.0), mle.get(f'{key}_se', 0.0)
  return max(_WATCHED[key].margin, 2 * (one**2 + two**2) ** 0.5)
