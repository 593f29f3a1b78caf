"""Types of measures of text: columns, functions and requirements."""

import importlib.util
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

Sentences = list[list[str]]

# Values at the number of sentences that training or held-out text has, where
# that is smaller than the number of samples; only the guards read them.
AT_TRAIN, AT_TEST = '_at_train', '_at_test'
# Values that accompany KEY: its standard error, the ends of its interval, and
# its values at other numbers of sentences.
SUFFIXES = ('_se', '_low', '_high', AT_TRAIN, AT_TEST)


class Metric(NamedTuple):
  """The description of one number in a table.

  Attributes:
    label: the head of the column.
    better: 'lower', 'higher', or 'real' if the best value is that of real text
      (or of the oracle) under the same protocol.
    text: the definition in one line.
    kind: 'quality', 'diversity', 'both' (a distance of distributions, which
      neither collapse nor noise lowers), or '' for other measures.
  """

  label: str
  better: str
  text: str
  kind: str = ''


class LanguageModel(NamedTuple):
  """A language model that is fitted to text.

  Attributes:
    nll: sentences -> (nats [n], tokens [n]); a token is a word or the end of
      a sentence.
    features: sentences -> [n, F].
  """

  nll: Callable[[Sentences], tuple[np.ndarray, np.ndarray]]
  features: Callable[[Sentences], np.ndarray]


class Texts(NamedTuple):
  """The input of measures of text: tokenised sentences, [] if missing.

  Attributes:
    samples: of the generator.
    references: real text that is not in the training text.
    train: the training text of the generator.
    fit_lm: sentences -> LanguageModel; None if no model may be trained. Equal
      sentences give the same model without training it again.
    kind: the name of the codec, for measures of one kind of sequence.
  """

  samples: Sentences
  references: Sentences = []  # noqa: RUF012  (never changed)
  train: Sentences = []  # noqa: RUF012
  fit_lm: Callable[[Sentences], LanguageModel] | None = None
  kind: str = ''

  def language_model(self, sentences: Sentences) -> LanguageModel:
    """Fits a language model; a measure that calls it needs 'fit_lm'."""
    if self.fit_lm is None:
      raise ValueError("texts.fit_lm is None; add 'fit_lm' to Measure.needs")
    return self.fit_lm(sentences)


class Measure(NamedTuple):
  """A measure of text, or several that are computed together.

  Attributes:
    columns: key -> Metric, for every key that `of` returns except `KEY_se`, a
      standard error.
    of: Texts -> {key: value}. A value is a number, or an array [n] over
      sentences; the mean of an array is the number, and it gets a bootstrap
      interval.
    needs: the fields of Texts, besides samples, that must not be empty.
    kind: the only kind of Texts that the measure supports; '' for all.
    package: a package that must be installed besides the requirements, or ''.
  """

  columns: Mapping[str, Metric]
  of: Callable[[Texts], Mapping[str, float | np.ndarray]]
  needs: tuple[str, ...] = ()
  kind: str = ''
  package: str = ''

  def fits(self, texts: Texts) -> bool:
    """Whether the measure supports the texts and its package is installed."""
    return (
      self.kind in ('', texts.kind)
      and all(getattr(texts, name) for name in self.needs)
      and self.installed()
    )

  def installed(self) -> bool:
    """Whether its package is installed."""
    return not self.package or bool(importlib.util.find_spec(self.package))
