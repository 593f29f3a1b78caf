"""Novelty against loops over all pairs."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance, jaccard_distance

from moegan_jax.metrics import METRICS, Texts, novelty, subset, text_measures

words = st.lists(st.sampled_from('abcd'), max_size=6)
SAMPLES = [list('abc'), [], list('xyz'), list('abc'), list('abcd')]
TRAIN = [list('abd'), list('abc'), list('ab')]


def levenshtein(one, other):
  longer = max(len(one), len(other))
  return edit_distance(one, other) / longer if longer else 0.0


def jaccard(one, other):
  return jaccard_distance(set(one), set(other)) if one or other else 0.0


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
  st.lists(words, min_size=1, max_size=5),
  st.lists(words, min_size=1, max_size=5),
)
def test_all_pairs_by_nltk(samples, train):
  pairs = novelty.nearest_sentences(samples, train)
  shares = novelty.novelty(samples, train)
  for sample, (where, distance), share in zip(samples, pairs, shares):
    each = [levenshtein(sample, one) for one in train]
    assert distance == pytest.approx(min(each), abs=1e-6)
    assert where == each.index(min(each))
    want = min(jaccard(sample, one) for one in train)
    assert share == pytest.approx(want, abs=1e-6)


def test_by_hand():
  got = novelty.NOVELTY.of(Texts(SAMPLES, train=TRAIN))
  assert got['nearest'].tolist() == [0.0, 1.0, 1.0, 0.0, 0.25]
  assert got['novelty'].tolist() == [0.0, 1.0, 1.0, 0.0, 0.25]
  assert got['copied_4grams'] == 0.0
  assert set(got) == set(novelty.NOVELTY.columns) <= set(METRICS)
  train = [list('zabcdz')]
  samples = [list('abcd'), list('abcdabcd')]  # 1 and 5 4-grams, 3 are abcd
  assert novelty.copied_4grams(samples, train) == 0.5
  assert novelty.copied_4grams(train, [list('abcd')]) == pytest.approx(1 / 3)


def test_empty_sentences():
  assert novelty.nearest_sentences([[], ['a']], [['b'], []]) == [
    (1, 0.0),
    (0, 1.0),
  ]
  assert novelty.novelty([[], ['a']], [['b'], []]).tolist() == [0.0, 1.0]
  got = novelty.NOVELTY.of(Texts([[]], train=[['b']]))
  assert 'copied_4grams' not in got


def test_needs_training_text():
  assert not novelty.NOVELTY.fits(Texts(SAMPLES))
  for function in (novelty.nearest, novelty.novelty):
    with pytest.raises(ValueError, match='no training text'):
      function(SAMPLES, [])


def test_chunks_change_nothing(monkeypatch):
  rng = np.random.RandomState(0)
  samples, train = rng.randint(0, 9, (2, 30, 5)).astype(str).tolist()
  want = novelty.NOVELTY.of(Texts(samples, train=train))
  monkeypatch.setattr(novelty, '_CELLS', 100)
  got = novelty.NOVELTY.of(Texts(samples, train=train))
  for key, value in want.items():
    np.testing.assert_array_equal(got[key], value)


def test_lines_longer_than_a_machine_word():
  rng = np.random.RandomState(0)
  samples, train = rng.randint(0, 5, (2, 3, 150)).astype(str).tolist()
  got = novelty.nearest(samples, train)
  want = [min(levenshtein(s, t) for t in train) for s in samples]
  np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)


def test_expensive_measures_use_a_subset(monkeypatch):
  rng = np.random.RandomState(0)
  samples, train = rng.randint(0, 9, (2, 40, 5)).astype(str).tolist()
  assert novelty.scored(samples, train) == 40
  monkeypatch.setattr(novelty, '_BUDGET', 10 * 40 * 6)
  assert novelty.scored(samples, train) == 10
  got = novelty.NOVELTY.of(Texts(samples, train=train))
  np.testing.assert_array_equal(
    got['nearest'], novelty.nearest(samples[::4], train)
  )
  # The interval depends on the number of compared samples.
  found = text_measures(
    Texts(samples, train=train), ('novelty', 'diversity'), intervals=True
  )
  assert found['nearest_low'] < found['nearest'] < found['nearest_high']
  monkeypatch.setattr(novelty, '_BUDGET', 1)
  assert novelty.scored(samples, train) == 1


def test_cost_grows_with_length_and_number():
  train = [['a'] * 11] * 10_000
  assert novelty.scored([['a'] * 11] * 10_000, train) == 10_000
  assert novelty.scored([['a'] * 11] * 100_000, train) < 100_000
  long = [['a'] * 1000] * 2000
  assert 1 <= novelty.scored(long, long) < 200


def test_evenly():
  items = [[str(i)] for i in range(10)]
  assert subset.evenly(items, 20) is items
  assert subset.evenly(items, 5) == items[::2]
  assert subset.evenly(items, 3) == [['0'], ['3'], ['6']]
