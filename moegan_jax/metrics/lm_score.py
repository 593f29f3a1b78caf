"""LM score and reverse LM score of samples.

The two axes of Language GANs Falling Short (Caccia et al., 2020):
  lm_score          NLL of samples under a language model of real text. Noise
                    raises it, and typical or repeated sentences lower it. It
                    measures quality only; a lower temperature lowers it.
  reverse_lm_score  NLL of real text under a language model of the samples
                    (Zhao et al., 2018; Cifka et al., 2018). Missed modes
                    raise it, and so does noise.
Both are nats per token; a token is a word or the end of a sentence. The values
depend on the size, vocabulary and training of the language model. Compare
values of one table, with equal numbers of samples, and with real text. The row
of training text has no LM score, because the model is fitted to that text.
"""

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Texts

MIN_SENTENCES = 20  # too few to fit a language model below that


def ratio(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
  """Computes sum(sums) / sum(counts) and its standard error.

  Tokens of a sentence are dependent, so the standard error (delta method)
  comes from the residuals of sentences.

  Args:
    sums: [n], one sum per sentence, at least two sentences.
    counts: [n], the number of tokens of each sentence.

  Returns:
    The ratio and its standard error.
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
    value, error = ratio(*texts.language_model(fitted).nll(scored))
    found |= {name: value, f'{name}_se': error}
  return found


LM_SCORE = Measure(
  {
    'lm_score': Metric(
      'LM score',
      'real',
      'nats per token of samples under a language model of real text; values '
      'below real text mean typical or repeated sentences',
      'quality',
    ),
    'reverse_lm_score': Metric(
      'reverse LM',
      'lower',
      'nats per token of real text under a language model of the samples; '
      'collapse and noise raise it',
      'diversity',
    ),
  },
  _lm_score,
  needs=('references', 'fit_lm'),
)
