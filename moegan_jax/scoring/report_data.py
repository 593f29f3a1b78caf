"""What the report of a run shows besides its table.

Curves over temperatures, samples beside their nearest training sentence,
lengths, and the discriminator's features: files in the folder of the run, from
which the report is drawn without JAX.
"""

import collections
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.metrics import Sentences, novelty
from moegan_jax.scoring.evaluation import Evaluator, select_seed, shared
from moegan_jax.types import TrainState

PAIRS = 30  # samples shown beside their nearest training sentence
TOP = 10  # commonest sentences
# What may choose a temperature, by preference. A corpus of a few different
# sentences has neither.
CHOOSERS = ('jeffreys', 'auc_train')
POINTS = 1000  # rows of features, real and generated each


def curve(
  evaluator: Evaluator,
  state: TrainState,
  temperatures: Sequence[float],
  n: int,
) -> dict[str, list[list[float]]]:
  """Measures of n samples at each temperature: name -> [temperatures][seeds].

  Caccia et al., Language GANs Falling Short (2020): a generator is a curve,
  not a point, because a temperature trades quality for diversity.
  """
  found = [
    [
      evaluator.point(select_seed(state, seed), n, heat)
      for seed in range(len(state.key))
    ]
    for heat in temperatures
  ]
  names = shared([measures for seeds in found for measures in seeds])
  return {k: [[m[k] for m in seeds] for seeds in found] for k in names}


def best_temperatures(
  points: dict[str, list[list[float]]], temperatures: Sequence[float]
) -> tuple[str, list[float]]:
  """The measure that chose, and each seed's best temperature on a curve.

  The Jeffreys divergence where the distribution is known; else how well a
  classifier tells the samples from training text. Neither looks at the test
  text, and neither can be lowered by collapse.
  """
  name = next(name for name in CHOOSERS if name in points)
  values = np.array(points[name])
  if name == 'auc_train':  # .5 is ideal, and below it is noise
    values = np.maximum(values, 0.5)
  return name, [float(temperatures[i]) for i in values.argmin(axis=0)]


def texts(words: Sentences, corpus: Corpus) -> dict:
  """Samples of one seed: the nearest of training, the commonest, lengths."""
  train = [*corpus.train_words, *corpus.valid_words]
  join = corpus.codec.join
  shown = words[:PAIRS]
  near = novelty.nearest_sentences(shown, train)
  common = collections.Counter(map(tuple, words)).most_common(TOP)
  return {
    'pairs': [
      {'sample': join(s), 'nearest': join(train[i]), 'distance': d}
      for s, (i, d) in zip(shown, near)
    ],
    'top': [[join(s), count] for s, count in common if count > 1],
    'lengths': {
      'samples': _lengths(words),
      'train': _lengths(train),
      'test': _lengths(corpus.test_words),
    },
  }


def _lengths(sentences: Sentences) -> list[int]:
  """How many sentences have 0, 1, 2, ... words."""
  return np.bincount([len(s) for s in sentences]).tolist()


def write_features(
  path: pathlib.Path, evaluator: Evaluator, state: TrainState
) -> None:
  """D's features of real and generated sentences, [n, F].

  Real ones are test sentences whose words D knows all; where there are none
  (other vocabularies), training sentences.

  Args:
    state: of one seed

  Raises:
    UserError: the file cannot be written.
  """
  corpus = evaluator.corpus
  known = (corpus.test < corpus.vocab_size).all(axis=1)
  real = corpus.test[known][:POINTS]
  real = real if len(real) else corpus.train[:POINTS]
  fake = evaluator.sample_at(state, len(real))
  arrays = {
    'real': evaluator.features(state, real),
    'fake': evaluator.features(state, fake),
  }
  temporary = path.with_name(f'.{path.name}.tmp')
  try:
    with temporary.open('wb') as file:
      np.savez_compressed(file, **arrays)
    os.replace(temporary, path)
  except OSError as error:
    temporary.unlink(missing_ok=True)
    raise UserError(f'cannot write {path}: {error.strerror}') from error
