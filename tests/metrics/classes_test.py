"""Class accuracy, and the names of measures of a class."""

import random

import numpy as np
import pytest

from moegan_jax.metrics import classes


def sentences(rng, n, words):
  return [[*rng.choices('abcdef', k=4), rng.choice(words)] for _ in range(n)]


def test_names_of_measures_of_a_class():
  values = {'bleu4': 0.5, classes.of_class('bleu4', 'a[b]'): 1.0}
  values |= {classes.of_class('auc_se', 'x'): 2.0}
  assert classes.by_class(values) == {
    'a[b]': {'bleu4': 1.0},
    'x': {'auc_se': 2.0},
  }
  assert classes.without_classes(values) == {'bleu4': 0.5}


def test_recalls_of_separable_and_of_equal_classes():
  rng = random.Random(0)
  own = ['x', 'y', 'z']
  train = [sentences(rng, n, w) for n, w in zip((300, 60, 60), own)]
  text = [sentences(rng, 100, w) for w in own]
  assert classes.recalls(train, text) == [1, 1, 1]
  # Text of another class is never assigned to its label.
  assert classes.recalls(train, [text[1], text[2], text[0]]) == [0, 0, 0]
  # A third of class 0 has the words of class 1.
  mixed = [text[0][:60] + text[1][:30], [], text[2]]
  found = classes.recalls(train, mixed)
  assert (
    found[0] == pytest.approx(2 / 3) and np.isnan(found[1]) and found[2] == 1
  )
  # Classes of equal text are recognised by chance; the larger has no advantage.
  same = [sentences(rng, n, 'x') for n in (900, 90)]
  chance = classes.recalls(same, [sentences(rng, 400, 'x') for _ in range(2)])
  assert np.mean(chance) == pytest.approx(0.5, abs=0.08)
  assert min(chance) > 0.2
  assert classes.recalls(same, [[], []]) == pytest.approx(
    [np.nan] * 2, nan_ok=True
  )
  with pytest.raises(ValueError, match='two classes'):
    classes.recalls([train[0], []], text[:2])


def test_large_text_is_subsampled_by_class(monkeypatch):
  monkeypatch.setattr(classes.two_sample, 'MOST', 50)
  rng = random.Random(0)
  train = [sentences(rng, n, w) for n, w in zip((300, 30), 'xy')]
  text = [sentences(rng, 50, w) for w in 'xy']
  assert min(classes.recalls(train, text)) > 0.9
