"""What good scores must not hide: collapse, copying, less variety than MLE.

Each function gives a reason in words, with the figures behind it, or ''. A
measure that is missing accuses nobody. Numbers are of one seed.
"""

from collections.abc import Mapping
from typing import NamedTuple

MIN_DISTINCT = 0.9  # of the share that real text has
MAX_EXCESS = 0.15
MAX_COPIED = 0.05  # above the share of held-out text
MAX_COPIED_ALONE = 0.5  # where held-out text was not measured
MIN_NEAREST = 0.5  # of the distance that held-out text has


def collapsed(
  measures: Mapping[str, float], real: Mapping[str, float] | None
) -> str:
  """Why the samples count as collapsed, or '' if they do not.

  They do if the share of distinct sentences is below 0.9 of that of real text,
  which repeats itself in a log or a list of names, or if Self-BLEU-4 exceeds
  that of as many real sentences by 0.15.

  Args:
    measures: of the samples.
    real: of real text under the same protocol, or None.
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
  """Why the samples count as memorised, or '' if they do not.

  They do if the share of copied sentences exceeds that of held-out text by
  0.05, or if they are on average less than half as far from the training
  sentences as held-out text is. Without held-out text, if more than half of
  them are copied.

  Args:
    measures: of the samples; copied and nearest are looked at.
    real_test: of text that training has not seen, against the same training
      text, or None.
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
  """The marks that samples deserve, 'collapsed: ...' and 'memorised: ...'.

  Args:
    measures: of the samples.
    real_train: of as many training sentences, the yardstick of collapse;
      held-out text is it for a measure that is missing here.
    real_test: of held-out text against the training text.
  """
  real = {**(real_test or {}), **(real_train or {})}
  reasons = {
    'collapsed': collapsed(measures, real),
    'memorised': memorised(measures, real_test),
  }
  return [f'{mark}: {reason}' for mark, reason in reasons.items() if reason]


class _Watched(NamedTuple):
  """A measure in which a winner must not fall behind MLE.

  label: what the reason calls it
  side: 1 if larger values are worse, -1 if smaller ones are
  margin: by how much it may be worse; two standard errors, if that is more
  ideal: the value that nobody need surpass; None for that of real text
  """

  label: str
  side: int
  margin: float
  ideal: float | None


# Margins are what samplings of one model differ by; see also `_margin`.
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
  """Why a row is no winner, however good its quality: all reasons, or ''.

  A system that improves on MLE's quality by giving up variety has improved
  nothing: a lower temperature does as much. Looked at are Self-BLEU-4, the
  share of distinct sentences, and what sees both (AUC, 3-gram JS, Jeffreys,
  NLL of held-out text). Worse is what is further than MLE from the best value
  on the side of less variety, by more than a margin. For the first two the
  best value is that of real text, or MLE's where there is none: to be more
  varied than either is no fault here.

  Args:
    measures: of the row, of one seed.
    mle: of the same generator after MLE, under the same protocol.
    real: of real text under the same protocol, or None.
  """
  reasons = []
  for key, (label, side, _, ideal) in _WATCHED.items():
    if key not in measures or key not in mle:
      continue
    ours, theirs = measures[key], mle[key]
    best = (real or {}).get(key, theirs) if ideal is None else ideal
    excess = max(0.0, side * (ours - best)) - max(0.0, side * (theirs - best))
    if excess > _margin(key, measures, mle):
      sign = '>' if side > 0 else '<'
      reasons.append(f'{label} {ours:.3f} {sign} {theirs:.3f} of MLE')
  return ', '.join(reasons)


def _margin(
  key: str, measures: Mapping[str, float], mle: Mapping[str, float]
) -> float:
  """The margin, or two standard errors of the difference if that is more."""
  one, two = measures.get(f'{key}_se', 0.0), mle.get(f'{key}_se', 0.0)
  return max(_WATCHED[key].margin, 2 * (one**2 + two**2) ** 0.5)
