"""Measures of samples and of real text as words, without a model state."""

from collections.abc import Callable, Iterable

import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.metrics import (
  MEASURES,
  LanguageModel,
  Sentences,
  Texts,
  guards,
  text_measures,
)
from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN


class TextScores:
  """Measures sentences against the texts of a corpus."""

  def __init__(
    self,
    corpus: Corpus,
    fit_lm: Callable[[Sentences], LanguageModel] | None,
  ):
    """Prepares the texts.

    Args:
      corpus: the corpus.
      fit_lm: see `metrics.Texts`; None omits measures that need a language
        model.
    """
    self._corpus, self._fit_lm = corpus, fit_lm

  @property
  def train(self) -> Sentences:
    """The training and the validation text."""
    return [*self._corpus.train_words, *self._corpus.valid_words]

  def of(
    self,
    words: Sentences,
    references: Sentences,
    names: Iterable[str] = tuple(MEASURES),
  ) -> dict[str, float]:
    """Measures sentences.

    Args:
      words: the sentences to measure.
      references: held-out text, or [].
      names: keys of `MEASURES`; those that lack their texts are omitted.
    """
    texts = Texts(
      words, references, self.train, self._fit_lm, self._corpus.codec.name
    )
    return text_measures(texts, names)

  def of_ids(self, words: Sentences) -> dict[str, float]:
    """Measures the diversity of sequences that all have one length."""
    found = self.of(words, [], ('diversity',))
    found.pop('mean_length')
    return found

  def comparable(
    self, measures: dict, words: Sentences, n: int, suffix: str
  ) -> dict:
    """Removes Self-BLEU from real text of fewer than n sentences.

    Self-BLEU rises with the number of sentences. For the guards, measures of
    equal numbers of sentences are added; see `guards.of_size`.

    Args:
      measures: of these words.
      words: real text.
      n: number of samples in the table.
      suffix: AT_TRAIN or AT_TEST.
    """
    if len(words) >= n:
      return measures
    kept = {k: v for k, v in measures.items() if 'self_bleu' not in k}
    return kept | guards.of_size(words, len(words), suffix)

  def at_real_sizes(self, words: Sentences) -> dict[str, float]:
    """Measures the diversity of as many samples as there is real text."""
    sizes = {AT_TRAIN: len(self.train), AT_TEST: len(self._corpus.test_words)}
    found: dict[str, float] = {}
    for suffix, size in sizes.items():
      if size < len(words):
        found |= guards.of_size(words, size, suffix)
    return found

  def grammatical(self, tokens: np.ndarray) -> dict[str, float]:
    """Returns the share of grammatical rows of [n, T]; {} without a grammar."""
    oracle = self._corpus.oracle
    if oracle is None or oracle.grammatical is None:
      return {}
    return {'grammatical': float(np.mean(oracle.grammatical(tokens)))}
