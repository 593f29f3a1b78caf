"""Measures of the text of each class, of samples and of real text."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.metrics import Sentences, classes
from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN
from moegan_jax.scoring.text_scores import TextScores

# Measures of the text of a class; the table of a run has all measures of the
# text of all classes.
MEASURES = ('bleu', 'self_bleu', 'diversity', 'auc')


class ClassScores:
  """Measures sentences of each class against the corpus of this class."""

  def __init__(self, corpus: Corpus):
    """Prepares the texts of each class.

    Args:
      corpus: a corpus with labels.
    """
    self.names = corpus.label_names
    self._corpora = [_only(corpus, k) for k in range(len(self.names))]
    self._scores = [TextScores(one, None) for one in self._corpora]

  def of_samples(self, words: Sequence[Sentences]) -> dict[str, float]:
    """Measures samples.

    Args:
      words: the samples of each class.

    Returns:
      'class_accuracy', and the measures of each class by the names of
      `classes.of_class`. Those of a class without held-out text lack BLEU and
      AUC.
    """
    found = self._accuracy(words)
    for name, score, own, corpus in self._classes(words):
      values = score.of(own, corpus.test_words, MEASURES)
      values |= score.at_real_sizes(own)
      found |= _named(values, name)
    return found

  def of_train(self, n: int) -> dict[str, float]:
    """Measures training text in place of n samples of all classes.

    Returns:
      See `of_samples`; without the accuracy, because the classifier is fitted
      to this text.
    """
    found: dict[str, float] = {}
    words = [score.train for score in self._scores]
    for name, score, own, corpus in self._classes(words):
      most = -(-n // len(self.names))
      values = score.of(own[:most], corpus.test_words, MEASURES)
      values.pop('copied', None)  # training text copies itself
      values = score.comparable(values, own[:most], most, AT_TRAIN)
      found |= _named(values, name)
    return found

  def of_test(self, n: int) -> dict[str, float]:
    """Measures held-out text in place of n samples of all classes.

    Returns:
      See `of_samples`; without comparisons with held-out text.
    """
    words = [corpus.test_words for corpus in self._corpora]
    found = self._accuracy(words)
    for name, score, own, _ in self._classes(words):
      most = -(-n // len(self.names))
      values = score.of(own[:most], [], MEASURES)
      values = score.comparable(values, own[:most], most, AT_TEST)
      found |= _named(values, name)
    return found

  def _classes(self, words: Sequence[Sentences]):
    """Yields name, measures, sentences and corpus of the classes with text."""
    parts = zip(self.names, self._scores, words, self._corpora)
    return (part for part in parts if part[2])

  def _accuracy(self, words: Sequence[Sentences]) -> dict[str, float]:
    """Returns the class accuracy of all sentences and of each class."""
    each = classes.recalls([score.train for score in self._scores], words)
    key = classes.ACCURACY
    found = {key: float(np.nanmean(each))} if any(words) else {}
    for name, value in zip(self.names, each):
      if np.isfinite(value):
        found[classes.of_class(key, name)] = value
    return found


def _only(corpus: Corpus, k: int) -> Corpus:
  """Returns the corpus with the sentences of one class, without arrays."""
  parts: dict[str, Any] = {
    f'{part}_words': [
      words
      for words, label in zip(getattr(corpus, f'{part}_words'), labels)
      if label == k
    ]
    for part, labels in corpus.labels.items()
  }
  return dataclasses.replace(corpus, labels={}, oracle=None, **parts)


def _named(values: dict[str, float], name: str) -> dict[str, float]:
  return {classes.of_class(key, name): v for key, v in values.items()}
