"""Text judged by a language model that learned real text, and the reverse.

The two axes of Falling Short (Caccia et al. 2020):
  lm_score          samples under a language model of real text. Noise raises
                    it, and dull or repeated sentences lower it: it sees
                    quality only, and cooling improves it for nothing.
  reverse_lm_score  real text under a language model of the samples (Zhao et
                    al. 2018; Cifka et al. 2018). What the samples never say
                    is expensive, so collapse raises it, and so does noise.
Both are nats a token, where a token is a word or the end of a sentence. The
numbers belong to the language model: its size, its vocabulary and how long it
was trained. Compare within one table, with as many samples in each row, and
with real text. There, the fitted text must not be scored: with training text in
place of the samples, the reverse score is the value to compare both with.
"""

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Texts

MIN_SENTENCES = 20  # fewer teach a language model nothing


def ratio(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
  """sum(sums) / sum(counts), and its standard error by the delta method.

  Sentences are independent, their tokens are not: the error comes from the
  residuals of sentences.

  Args:
    sums: [n], of each sentence, two sentences or more.
    counts: [n], its tokens.
  """
  sums, counts = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
  value = sums.sum() / counts.sum()
  spread = np.sum((sums - value * counts) ** 2) * len(sums) / (len(sums) - 1)
  return float(value), float(np.sqrt(spread) / counts.sum())


def _lm_score(texts: Texts) -> dict[str, float]:
  real = texts.train or texts.references
  if min(map(len, (texts.samples, texts.references, real))) < MIN_SENTENCES:
    return {}
  found: dict[str, float] = {}
  for name, fitted, scored in (
    ('lm_score', real, texts.samples),
    ('reverse_lm_score', texts.samples, texts.references),
  ):
    value, error = ratio(*texts.fit_lm(fitted).nll(scored))
    found |= {name: value, f'{name}_se': error}
  return found


LM_SCORE = Measure(
  {
    'lm_score': Metric(
      'LM score',
      'real',
      'nats a token of samples under a language model of real text; below '
      'real text they are typical or repeat themselves',
      'quality',
    ),
    'reverse_lm_score': Metric(
      'reverse LM',
      'lower',
      'nats a token of real text under a language model of the samples; '
      'collapse raises it, and noise as well',
      'diversity',
    ),
  },
  _lm_score,
  needs=('references', 'fit_lm'),
)
