"""Measures of text with classes, and the names of measures of one class.

A classifier is fitted to the training text, judged on held-out text, and then
asked for the classes of samples. It is a logistic regression on the presence of
words and pairs of adjacent words, one class against the others, with the same
weight for each class. Its accuracy on held-out text limits what the accuracy on
samples can say.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moegan_jax.metrics import two_sample
from moegan_jax.metrics.measure import Metric, Sentences
from moegan_jax.metrics.subset import evenly

ACCURACY = 'class_accuracy'  # its key
METRIC = Metric(
  'class accuracy',
  'higher',
  'share of sentences that a classifier of training text assigns to their '
  'class, averaged over the classes; limited by the value of held-out text',
  'quality',
)


def of_class(measure: str, name: str) -> str:
  """Returns the name of a measure of one class, such as 'bleu4[pos]'."""
  return f'{measure}[{name}]'


def by_class(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
  """Collects the measures of each class.

  Args:
    values: measure -> value; names of `of_class` are those of classes.

  Returns:
    Class -> measure -> value; {} without classes.
  """
  found: dict[str, dict[str, Any]] = {}
  for key, value in values.items():
    measure, bracket, rest = key.partition('[')
    if bracket:
      found.setdefault(rest.removesuffix(']'), {})[measure] = value
  return found


def without_classes(values: Mapping[str, Any]) -> dict[str, Any]:
  """Returns the measures that are not of one class."""
  return {key: value for key, value in values.items() if '[' not in key}


def recalls(
  train: Sequence[Sentences], text: Sequence[Sentences]
) -> list[float]:
  """Computes how often a classifier recognises the class of a text.

  Args:
    train: for each class its training sentences; at most `two_sample.MOST` of
      all are used, evenly spaced in each class.
    text: for each class the sentences to classify, which may be [].

  Returns:
    For each class the share of its sentences that are assigned to it; NaN
    without sentences. Equal arguments give equal values.

  Raises:
    ValueError: fewer than two classes have training sentences.
  """
  from sklearn.linear_model import LogisticRegression
  from sklearn.multiclass import OneVsRestClassifier

  if sum(map(bool, train)) < 2:
    raise ValueError('a classifier needs training text of two classes')
  share = min(1.0, two_sample.MOST / sum(map(len, train)))
  known = [evenly(s, max(1, int(share * len(s)))) if s else [] for s in train]
  both = [*known, *text]
  labels = np.repeat([*range(len(known)), *range(len(text))], [*map(len, both)])
  fitted = np.arange(len(labels)) < sum(map(len, known))
  features = two_sample.features([s for part in both for s in part], fitted)
  one = LogisticRegression(
    solver='liblinear',
    dual=True,
    class_weight='balanced',
    max_iter=1000,
    random_state=0,
  )
  with warnings.catch_warnings():
    # Separable classes converge slowly, without effect on the accuracy.
    warnings.simplefilter('ignore')
    classifier = OneVsRestClassifier(one).fit(features[fitted], labels[fitted])
  if fitted.all():
    return [float('nan')] * len(text)
  right = classifier.predict(features[~fitted]) == labels[~fitted]
  return [
    float(right[labels[~fitted] == k].mean()) if part else float('nan')
    for k, part in enumerate(text)
  ]
