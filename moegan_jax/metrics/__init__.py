"""Measures of generated text, independent of training.

`MEASURES` lists the measures that need text only. `METRICS` describes every
number that a table can show, in the order of its columns. The package imports
without JAX: measures of text use NumPy. The modules `likelihood` and
`divergence` read logits, use JAX and must be imported by name.
"""

from collections.abc import Iterable

import numpy as np

from moegan_jax.metrics import (
  bleu,
  bootstrap,
  classes,
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
QUICK = ('bleu', 'self_bleu', 'diversity')  # together under a second


def _likelihood(part: str, on: str) -> dict[str, Metric]:
  return {
    f'nll_{part}': Metric(
      f'NLL {part}',
      'lower',
      f'nats per position, padding included, on {on}',
      'diversity',
    ),
    f'nll_{part}_token': Metric(
      f'NLL {part}/token',
      'lower',
      f'nats per word or end symbol, on {on}',
      'diversity',
    ),
  }


# These need the logits of the system or the true distribution.
_OF_MODELS: dict[str, Metric] = {
  **{
    f'bleu{n}_valid': Metric(
      f'BLEU-{n} valid',
      'higher',
      f'1..{n}-grams found in the validation part; only during training',
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
    'share of pads among all positions after the first pad of a sample',
  ),
  'nll_oracle': Metric(
    'NLL oracle',
    'lower',
    'nats per token of samples under the oracle; a lower temperature lowers '
    'it, so compare it together with the entropy',
    'quality',
  ),
  'nll_sum': Metric(
    'NLL oracle+test',
    'lower',
    'sum of NLL oracle and NLL test; harder to game than either',
    'both',
  ),
  'nll_sum_train': Metric(
    'NLL oracle+train',
    'lower',
    'sum of NLL oracle and NLL train, as in papers; overfitting lowers it',
    'quality',
  ),
  'entropy': Metric(
    'entropy', 'real', 'of the model, nats per token', 'diversity'
  ),
  'kl_pq': Metric(
    'KL(p||q)', 'lower', 'oracle to model: missed modes', 'diversity'
  ),
  'kl_qp': Metric(
    'KL(q||p)', 'lower', 'model to oracle: bad samples', 'quality'
  ),
  'jeffreys': Metric('Jeffreys', 'lower', 'sum of both KLs', 'both'),
  'step_js': Metric(
    'step JS',
    'lower',
    'Jensen-Shannon divergence of next-token distributions',
    'both',
  ),
  classes.ACCURACY: classes.METRIC,
  'grammatical': Metric(
    'grammatical',
    'higher',
    'share of sentences that the grammar accepts',
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
  """Computes measures of text.

  Args:
    texts: samples, and optionally real text and language models.
    names: keys of MEASURES; a measure is left out if it lacks a text, a
      language model or a package.
    intervals: add `KEY_low` and `KEY_high`, the 95 % bootstrap interval, for
      measures that are averages over sentences.

  Returns:
    Key of METRICS -> value.

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
  """Lists the measures that lack their package.

  Args:
    kind: the codec of the texts.

  Returns:
    A line for each measure of this kind.
  """
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
