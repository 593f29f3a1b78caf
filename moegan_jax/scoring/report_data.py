"""Data of the report of a run, besides its table.

The data are curves over temperatures, samples with their nearest training
sentences, sentence lengths, and discriminator features. They are written to the
run folder, so that drawing the report does not need JAX.
"""

import collections
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.metrics import Sentences, novelty
from moegan_jax.scoring.evaluation import (
  Evaluator,
  common_measures,
  select_seed,
)
from moegan_jax.types import TrainState

PAIRS = 30  # samples with their nearest training sentences
TOP = 10  # most frequent sentences
# Measures that may select a temperature, in order of preference. A corpus of a
# few distinct sentences has neither.
CHOOSERS = ('jeffreys', 'auc_train')
POINTS = 1000  # real and generated sentences with features, each


def curve(
  evaluator: Evaluator,
  state: TrainState,
  temperatures: Sequence[float],
  n: int,
) -> dict[str, list[list[float]]]:
  """Measures samples at each temperature.

  The temperature trades quality for diversity, so a generator is a curve and
  not a point (Caccia et al., Language GANs Falling Short, 2020).

  Args:
    evaluator: measures the samples.
    state: with the axis over seeds.
    temperatures: each divides the logits.
    n: number of samples per temperature and seed.

  Returns:
    Measure -> [temperatures][seeds].
  """
  found = [
    [
      evaluator.point(select_seed(state, seed), n, temperature)
      for seed in range(len(state.key))
    ]
    for temperature in temperatures
  ]
  names = common_measures([measures for seeds in found for measures in seeds])
  return {k: [[m[k] for m in seeds] for seeds in found] for k in names}


def best_temperatures(
  points: dict[str, list[list[float]]], temperatures: Sequence[float]
) -> tuple[str, list[float]]:
  """Selects the best temperature of each seed on a curve.

  The Jeffreys divergence selects if the distribution is known; otherwise the
  AUC of a classifier that separates samples from training text. Neither uses
  the test text, and collapse lowers neither.

  Args:
    points: a `curve` with one of `CHOOSERS`.
    temperatures: the temperatures of the curve.

  Returns:
    The measure that selected, and the temperature of each seed.
  """
  name = next(name for name in CHOOSERS if name in points)
  values = np.array(points[name])
  if name == 'auc_train':  # values below the ideal 0.5 are noise
    values = np.maximum(values, 0.5)
  return name, [float(temperatures[i]) for i in values.argmin(axis=0)]


def texts(words: Sentences, corpus: Corpus) -> dict:
  """Collects examples of samples and the distribution of lengths.

  Args:
    words: samples of one seed.
    corpus: the corpus.

  Returns:
    'pairs': samples with their nearest training sentences and distances.
    'top': repeated samples with their counts, the most frequent first.
    'lengths': number of sentences of each length, of samples, training and
    test text.
  """
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
  """Counts the sentences of 0, 1, 2, ... words."""
  return np.bincount([len(s) for s in sentences]).tolist()


def write_features(
  path: pathlib.Path, evaluator: Evaluator, state: TrainState
) -> None:
  """Writes discriminator features of real and generated sentences, [n, F].

  The real sentences are test sentences without out-of-vocabulary words. If
  there are none, training sentences replace them.

  Args:
    path: the file.
    evaluator: of a system with a discriminator.
    state: of one seed.

  Raises:
    UserError: the file cannot be written.
  """
  corpus = evaluator.corpus
  known = (corpus.test < corpus.vocab_size).all(axis=1)
  real = corpus.test[known][:POINTS]
  real = real if len(real) else corpus.train[:POINTS]
  fake = evaluator.sample_at(state, len(real))
  of_real = evaluator.features(state, real)
  of_fake = evaluator.features(state, fake)
  temporary = path.with_name(f'.{path.name}.tmp')
  try:
    with temporary.open('wb') as file:
      np.savez_compressed(file, real=of_real, fake=of_fake)
    os.replace(temporary, path)
  except OSError as error:
    temporary.unlink(missing_ok=True)
    raise UserError(
      f'cannot write {path}: {error.strerror}; make its folder writable'
    ) from error
