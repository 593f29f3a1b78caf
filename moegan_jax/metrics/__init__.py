"""Measures of generated text. They know nothing of training.

`METRICS` names every measure that a table may show. This package imports
without JAX: the measures of text are NumPy, those that read logits
(likelihood, divergence) are imported by those who have logits.
"""

from typing import NamedTuple

from moegan_jax.metrics import bleu, diversity

Sentences = list[list[str]]


class Metric(NamedTuple):
  """How to print and to read a measure.

  label: the head of a table's column
  better: 'lower', 'higher', or 'real' where the best value is the one that
    real text (or the oracle) has under the same protocol
  text: what it is, in one line
  """

  label: str
  better: str
  text: str


def _likelihood(part: str, on: str) -> dict[str, Metric]:
  return {
    f'nll_{part}': Metric(
      f'NLL {part}', 'lower', f'nats a position, padding included, on {on}'
    ),
    f'nll_{part}_token': Metric(
      f'NLL {part}/token', 'lower', f'nats a word or end symbol, on {on}'
    ),
  }


METRICS: dict[str, Metric] = {
  **{
    f'bleu{n}': Metric(
      f'BLEU-{n}', 'higher', f'1..{n}-grams found in the test references'
    )
    for n in range(2, 6)
  },
  **_likelihood('train', 'training text'),
  **_likelihood('valid', 'the validation part of the training text'),
  **_likelihood('test', 'held-out text'),
  'nll_oracle': Metric(
    'NLL oracle',
    'lower',
    'nats a token of samples under the oracle; cooling lowers it as well, '
    'so read it beside the entropy',
  ),
  'entropy': Metric('entropy', 'real', 'of the model, nats a token'),
  'kl_pq': Metric('KL(p||q)', 'lower', 'oracle to model: missed modes'),
  'kl_qp': Metric('KL(q||p)', 'lower', 'model to oracle: bad samples'),
  'jeffreys': Metric('Jeffreys', 'lower', 'the sum of both KLs'),
  'step_js': Metric(
    'step JS', 'lower', 'Jensen-Shannon of next-token distributions'
  ),
  'grammatical': Metric(
    'grammatical', 'higher', 'share of sentences that the grammar allows'
  ),
  **{
    f'self_bleu{n}': Metric(
      f'Self-BLEU-{n}', 'real', 'each sample against all others'
    )
    for n in range(2, 6)
  },
  'distinct_sentences': Metric(
    'distinct', 'real', 'share of sentences that differ from each other'
  ),
  'top_sentence': Metric('top', 'real', 'share of the commonest sentence'),
  'mean_length': Metric('length', 'real', 'words in a sentence'),
  'copied': Metric('copied', 'lower', 'share that equals a training sentence'),
}


def text_measures(
  samples: Sentences, references: Sentences, train: Sentences
) -> dict[str, float]:
  """All measures that need text only, by their key in METRICS.

  Args:
    samples: tokenised sentences, at least two.
    references: tokenised test sentences, for BLEU.
    train: tokenised training sentences, for `copied`.
  """
  return {
    **bleu.bleu(samples, references),
    **bleu.self_bleu(samples),
    **diversity.diversity(samples, train),
  }
