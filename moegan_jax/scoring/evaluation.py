"""Evaluation: all measures of a generator, and of real text beside it."""

from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.metrics import (
  MEASURES,
  QUICK,
  LanguageModel,
  Sentences,
  Texts,
  classes,
  likelihood,
  lm_score,
  text_measures,
)
from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN
from moegan_jax.scoring.class_scores import ClassScores
from moegan_jax.scoring.model_scores import ModelScores
from moegan_jax.scoring.text_scores import TextScores
from moegan_jax.train.keys import EVALUATE, use_key
from moegan_jax.types import System, TrainState

# Below this temperature a generator repeats a few sentences.
MIN_TEMPERATURE = 0.1
# Measures that compare with the training text, so they cannot measure it.
_AGAINST_TRAIN = ('novelty', 'novel_molecules', 'auc_train')
# Text measures on the curves over temperatures.
CURVE_MEASURES = ('bleu', 'self_bleu', 'ngram_js', 'auc_train', 'lm_score')


def select_seed(state: TrainState, seed: int) -> TrainState:
  """Returns the state of one seed.

  Args:
    state: with the axis over seeds.
    seed: index of the seed.

  Returns:
    A TrainState without the axis over seeds.
  """
  # JAX's check of key reuse counts every use of an array, so clone the key.
  parts = jax.random.clone(state.key), state.players, state.memory
  return TrainState(state.step, *_at(parts, seed))


@jax.jit
def _at(tree, seed):
  """Returns row `seed` of all arrays; one program is faster than many."""
  return jax.tree.map(lambda x: x[seed], tree)


def common_measures(found: Sequence[Mapping[str, float]]) -> list[str]:
  """Returns the measures that all results have.

  Some measures are undefined for a few samples, or for identical ones.

  Args:
    found: measure -> value, of several seeds or at several temperatures.
  """
  return [k for k in found[0] if all(k in measures for measures in found)]


class Evaluator(ModelScores):
  """Measures of a system on a corpus.

  Attributes:
    fit_lm: sentences -> LanguageModel, or None.
  """

  def __init__(
    self,
    system: System,
    corpus: Corpus,
    chunk: int,
    fit_lm: Callable[[Sentences], LanguageModel] | None = None,
  ):
    """Prepares the measures without compiling them.

    Args:
      system: the system to measure.
      corpus: the corpus.
      chunk: sequences per call, which bounds the memory [chunk, T, V].
      fit_lm: see `metrics.Texts`; None omits measures that need a language
        model.
    """
    super().__init__(system, corpus, chunk)
    self.fit_lm = fit_lm
    self._text = TextScores(corpus, fit_lm)
    self._of_classes = ClassScores(corpus) if system.classes else None

  def measure_one(
    self,
    state: TrainState,
    n: int,
    temperature: float = 1.0,
    full: bool = False,
  ) -> tuple[dict[str, float], Sentences]:
    """Measures one seed on n samples.

    Args:
      state: of one seed.
      n: number of samples, and of sequences of each part of the corpus.
      temperature: divides the logits.
      full: whether to compute all text measures. False computes those that
        are quick and those that may select the best checkpoint.

    Returns:
      Measure -> value, and the samples as words.
    """
    corpus = self.corpus
    key = use_key(state.key, state.step, EVALUATE)
    raw = self._raw_samples(state, key, n, temperature)
    samples = self._pad_after_end(raw)
    words = corpus.words(samples)
    measures: dict[str, float] = {}
    if corpus.pad is not None:
      share = likelihood.pads_after_end(raw, corpus.pad)
      if not np.isnan(share):
        measures['pads_after_end'] = share
    for part in ('train', 'valid', 'test'):
      tokens = getattr(corpus, part)[:n]
      if len(tokens):
        values = self.nll(state, tokens, temperature)
        measures[f'nll_{part}'] = values['nll']
        measures[f'nll_{part}_token'] = values['nll_token']
    if corpus.oracle is not None:
      measures |= self.divergences(state, samples, self.truth(n), temperature)
      for part, name in (('test', 'nll_sum'), ('train', 'nll_sum_train')):
        if f'nll_{part}' in measures:
          total = measures['nll_oracle'] + measures[f'nll_{part}']
          measures[name] = total
    if corpus.pad is None:
      measures |= self._text.of_ids(words)
    else:
      names = tuple(MEASURES) if full else QUICK
      measures |= self._text.of(words, corpus.test_words, names)
      if full:
        measures |= self._text.at_real_sizes(words)
        measures |= self.class_measures(state, n, temperature)
      if corpus.valid_words and not full:
        against = Texts(words, corpus.valid_words)
        found = text_measures(against, ('bleu',))
        measures |= {f'{k}_valid': v for k, v in found.items()}
    measures |= self._text.grammatical(samples)
    return measures, words

  def class_measures(
    self, state: TrainState, n: int, temperature: float = 1.0
  ) -> dict[str, float]:
    """Measures the samples of each class of a conditional generator.

    Args:
      state: of one seed.
      n: number of samples of all classes together.
      temperature: divides the logits.

    Returns:
      'class_accuracy', and the measures of each class by the names of
      `metrics.classes.of_class`, among them the NLL of held-out text of the
      class given the class. {} for a generator without classes.
    """
    if self._of_classes is None:
      return {}
    corpus = self.corpus
    drawn = self.class_samples(state, n, temperature)
    measures = self._of_classes.of_samples([corpus.words(x) for x in drawn])
    tokens, labels = corpus.test[:n], corpus.labels['test'][:n]
    for k, name in enumerate(self.classes):
      own = labels == k
      if own.any():
        nll = self.nll(state, tokens[own], temperature, labels[own])
        key = classes.of_class('nll_test_token', name)
        measures[key] = nll['nll_token']
    if corpus.oracle is not None and corpus.oracle.classes is not None:
      truth = self.truth(n)
      # A seed of its own, as for the truth; see `ModelScores.truth`.
      labels = corpus.oracle.classes.draw(np.random.RandomState([7, 8]), truth)
      for k, name in enumerate(self.classes):
        if len(drawn[k]) and (labels == k).any():
          found = self.divergences(
            state, drawn[k], truth[labels == k], temperature, k
          )
          measures |= {classes.of_class(m, name): v for m, v in found.items()}
    return measures

  def measure(
    self, state: TrainState, n: int, full: bool = False
  ) -> tuple[dict[str, np.ndarray], list[Sentences]]:
    """Measures all seeds; see `measure_one`.

    Args:
      state: with the axis over seeds.
      n: number of samples of each seed.
      full: whether to compute all text measures.

    Returns:
      Measure -> [seeds], and the samples of each seed as words.
    """
    found = [
      self.measure_one(select_seed(state, i), n, full=full)
      for i in range(len(state.key))
    ]
    names = common_measures([measures for measures, _ in found])
    values = {k: np.array([m[k] for m, _ in found]) for k in names}
    return values, [words for _, words in found]

  def point(
    self, state: TrainState, n: int, temperature: float
  ) -> dict[str, float]:
    """Measures one point of a curve over temperatures.

    Args:
      state: of one seed.
      n: number of samples.
      temperature: divides the logits.

    Returns:
      Divergences and `CURVE_MEASURES`, as far as the corpus has them.
    """
    corpus = self.corpus
    samples = self.sample_at(state, n, temperature)
    measures: dict[str, float] = {}
    if corpus.oracle is not None:
      measures |= self.divergences(state, samples, self.truth(n), temperature)
    if corpus.pad is not None:
      words = corpus.words(samples)
      measures |= self._text.of(words, corpus.test_words, CURVE_MEASURES)
    return {k: v for k, v in measures.items() if not k.endswith('_se')}

  def real(self, n: int) -> dict[str, float]:
    """Measures training text in place of samples.

    Args:
      n: number of sentences. A corpus of ids uses new sequences of its oracle.

    Returns:
      Measure -> value, without measures that compare with the training text.
    """
    corpus = self.corpus
    measures: dict[str, float] = {}
    if corpus.oracle is not None:
      measures |= self.oracle_divergences(n)
    if corpus.pad is None:
      return measures | self._text.of_ids(corpus.words(self.truth(n)))
    words = self._text.train[:n]
    names = [name for name in MEASURES if name not in _AGAINST_TRAIN]
    found = self._text.of(words, corpus.test_words, names)
    # Training text copies itself, and the language model has learnt it.
    for key in ('copied', 'lm_score', 'lm_score_se'):
      found.pop(key, None)
    measures |= self._text.comparable(found, words, n, AT_TRAIN)
    if self._of_classes is not None:
      measures |= self._of_classes.of_train(n)
    return measures | self._text.grammatical(corpus.train[:n])

  def real_test(self, n: int) -> dict[str, float]:
    """Measures test text in place of samples.

    Args:
      n: number of sentences.

    Returns:
      Measure -> value, without measures that compare with the test text; {} for
      corpora of ids.
    """
    corpus = self.corpus
    if corpus.pad is None:
      return {}
    words = corpus.test_words[:n]
    found = self._text.of(words, [])
    measures = self._text.comparable(found, words, n, AT_TEST)
    if self.fit_lm is not None:  # the reference for the score of samples
      model = self.fit_lm(self._text.train)
      value, error = lm_score.ratio(*model.nll(words))
      measures |= {'lm_score': value, 'lm_score_se': error}
    if self._of_classes is not None:
      measures |= self._of_classes.of_test(n)
    return measures | self._text.grammatical(corpus.test[:n])

  def matching_temperature(
    self, state: TrainState, nll_oracle: float, n: int
  ) -> float:
    """Finds the temperature at which samples reach a value of NLL_oracle.

    Args:
      state: of one seed.
      nll_oracle: the target, in nats per token.
      n: number of samples per step of the bisection.

    Returns:
      The temperature; 1.0 if the samples reach the target without cooling, and
      less than `MIN_TEMPERATURE` if they do not reach it.
    """

    def reached(temperature: float) -> float:
      return self.nll_oracle(self.sample_at(state, n, temperature))

    low, high = MIN_TEMPERATURE / 2, 1.0
    if reached(high) <= nll_oracle:
      return high
    for _ in range(8):
      middle = (low + high) / 2
      if reached(middle) > nll_oracle:
        high = middle
      else:
        low = middle
    return (low + high) / 2
