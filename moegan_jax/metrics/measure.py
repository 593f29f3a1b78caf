"""What a measure of text is: its columns, its function, what it needs."""

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
  """How to print and to read one number.

  label: the head of a table's column
  better: 'lower', 'higher', or 'real' where the best value is the one that
    real text (or the oracle) has under the same protocol
  text: what it is, in one line
  kind: 'quality', 'diversity', 'both' (a distance of distributions, which
    neither collapse nor noise can lower), or '' for what is neither
  """

  label: str
  better: str
  text: str
  kind: str = ''


class LanguageModel(NamedTuple):
  """A language model that was fitted to some text.

  nll: sentences -> (nats [n], tokens [n]); a token is a word or the end
  features: sentences -> [n, F]
  """

  nll: Callable[[Sentences], tuple[np.ndarray, np.ndarray]]
  features: Callable[[Sentences], np.ndarray]


class Texts(NamedTuple):
  """What measures of text look at; tokenised sentences, [] where missing.

  samples: of the generator
  references: real text that training has not seen
  train: the text that the generator was trained on
  fit_lm: sentences -> LanguageModel; None where no model may be trained. The
    same sentences give the same model without another training.
  kind: the codec behind the tokens, for measures of one kind of sequence
  """

  samples: Sentences
  references: Sentences = []  # noqa: RUF012  (never changed)
  train: Sentences = []  # noqa: RUF012
  fit_lm: Callable[[Sentences], LanguageModel] | None = None
  kind: str = ''


class Measure(NamedTuple):
  """A measure of text, or several that are found together.

  columns: key -> Metric, for everything that `of` returns (`KEY_se`, a standard
    error, needs none)
  of: Texts -> key -> a number, or an array [n] over sentences whose mean is
    the number (then it gets a bootstrap interval)
  needs: the fields of Texts that must not be empty besides samples
  kind: the only kind of Texts it makes sense for; '' for all
  package: what must be installed besides the requirements; '' for nothing
  """

  columns: Mapping[str, Metric]
  of: Callable[[Texts], dict[str, float | np.ndarray]]
  needs: tuple[str, ...] = ()
  kind: str = ''
  package: str = ''

  def fits(self, texts: Texts) -> bool:
    """Whether the texts have what it needs, and its package is there."""
    return (
      self.kind in ('', texts.kind)
      and all(getattr(texts, name) for name in self.needs)
      and self.installed()
    )

  def installed(self) -> bool:
    """Whether its package is there."""
    return not self.package or bool(importlib.util.find_spec(self.package))
