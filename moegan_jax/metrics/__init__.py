"""Measures of generated text. They know nothing of training.

`MEASURES` are the measures of text, a file and a line each. `METRICS` names
every number that a table may show, in the order of its columns. This package
imports without JAX: the measures of text are NumPy, those that read logits
(likelihood, divergence) are imported by those who have logits.
"""

from collections.abc import Iterable

import numpy as np

from moegan_jax.metrics import (
  bleu,
  bootstrap,
  diversity,
  frechet,
  kmers,
  lm_score,
  molecules,
  ngrams,
  novelty,
  two_sample,
)
from moegan_jax.metrics.measure import (
  SUFFIXES,
  LanguageModel,
  Measure,
  Metric,
  Sentences,
  Texts,
)

MEASURES: dict[str, Measure] = {
  'bleu': bleu.BLEU,
  'backward_bleu': bleu.BACKWARD,
  'self_bleu': bleu.SELF_BLEU,
  'diversity': diversity.DIVERSITY,
  'ngrams': ngrams.NGRAMS,
  'ngram_js': ngrams.NGRAM_JS,
  'auc': two_sample.AUC,
  'auc_train': two_sample.AUC_TRAIN,
  'novelty': novelty.NOVELTY,
  'lm_score': lm_score.LM_SCORE,
  'frechet': frechet.FRECHET,
  'kmer_js': kmers.KMER_JS,
  'molecules': molecules.MOLECULES,
  'novel_molecules': molecules.NOVEL_MOLECULES,
}
QUICK = ('bleu', 'self_bleu', 'diversity')  # well under a second together


def _likelihood(part: str, on: str) -> dict[str, Metric]:
  return {
    f'nll_{part}': Metric(
      f'NLL {part}',
      'lower',
      f'nats a position, padding included, on {on}',
      'diversity',
    ),
    f'nll_{part}_token': Metric(
      f'NLL {part}/token',
      'lower',
      f'nats a word or end symbol, on {on}',
      'diversity',
    ),
  }


# Of systems whose logits or whose true distribution are at hand.
_OF_MODELS: dict[str, Metric] = {
  **{
    f'bleu{n}_valid': Metric(
      f'BLEU-{n} valid',
      'higher',
      f'1..{n}-grams found in the validation part; while training only',
      'quality',
    )
    for n in range(2, 6)
  },
  **_likelihood('train', 'training text'),
  **_likelihood('valid', 'the validation part of the training text'),
  **_likelihood('test', 'held-out text'),
  'pads_after_end': Metric(
    'pads after end',
    'real',
    'share of pads among the positions after the first pad of a sample',
  ),
  'nll_oracle': Metric(
    'NLL oracle',
    'lower',
    'nats a token of samples under the oracle; cooling lowers it as well, '
    'so read it beside the entropy',
    'quality',
  ),
  'nll_sum': Metric(
    'NLL oracle+test',
    'lower',
    'NLL oracle and NLL test added; harder to game than either',
    'both',
  ),
  'nll_sum_train': Metric(
    'NLL oracle+train',
    'lower',
    'the sum as papers print it; overfitting lowers it',
    'quality',
  ),
  'entropy': Metric(
    'entropy', 'real', 'of the model, nats a token', 'diversity'
  ),
  'kl_pq': Metric(
    'KL(p||q)', 'lower', 'oracle to model: missed modes', 'diversity'
  ),
  'kl_qp': Metric(
    'KL(q||p)', 'lower', 'model to oracle: bad samples', 'quality'
  ),
  'jeffreys': Metric('Jeffreys', 'lower', 'the sum of both KLs', 'both'),
  'step_js': Metric(
    'step JS',
    'lower',
    'Jensen-Shannon of next-token distributions',
    'both',
  ),
  'grammatical': Metric(
    'grammatical',
    'higher',
    'share of sentences that the grammar allows',
    'quality',
  ),
}

METRICS: dict[str, Metric] = {
  **MEASURES['bleu'].columns,
  **_OF_MODELS,
  **{
    key: metric
    for name, measure in MEASURES.items()
    if name != 'bleu'
    for key, metric in measure.columns.items()
  },
}


def text_measures(
  texts: Texts,
  names: Iterable[str] = tuple(MEASURES),
  intervals: bool = False,
) -> dict[str, float]:
  """Measures of text by their key in METRICS.

  Args:
    texts: samples, and whatever else there is.
    names: of MEASURES; those that lack what they need are left out.
    intervals: add `KEY_low` and `KEY_high`, the bootstrap's 95 % interval, for
      what is an average over sentences.

  Raises:
    ValueError: there are no samples.
  """
  if not texts.samples:
    raise ValueError('there are no samples to measure')
  found: dict[str, float | np.ndarray] = {}
  for name in names:
    if MEASURES[name].fits(texts):
      found |= MEASURES[name].of(texts)
  values = {key: float(np.mean(value)) for key, value in found.items()}
  if intervals:
    values |= bootstrap.intervals(
      {k: v for k, v in found.items() if isinstance(v, np.ndarray)}
    )
  return values


def left_out(kind: str) -> list[str]:
  """Which measures of a kind of texts lack their package, a line each."""
  return [
    f'no {", ".join(m.label for m in measure.columns.values())}: these '
    f'measures need {measure.package} (pip install {measure.package})'
    for measure in MEASURES.values()
    if measure.kind == kind and not measure.installed()
  ]


__all__ = [
  'MEASURES',
  'METRICS',
  'QUICK',
  'SUFFIXES',
  'LanguageModel',
  'Measure',
  'Metric',
  'Sentences',
  'Texts',
  'left_out',
  'text_measures',
]
