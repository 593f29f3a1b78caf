"""The classifier test: area, standard error, and sensitivity."""

import random

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from moegan_jax.metrics import METRICS, Texts, two_sample

VOCABULARY = [f'w{i}' for i in range(60)]


def draw(n, seed, weights=None):
  rng = random.Random(seed)
  return [
    rng.choices(VOCABULARY, weights, k=rng.randint(4, 12)) for _ in range(n)
  ]


def test_area_equals_scikit_learn():
  rng = np.random.RandomState(0)
  for ties in (False, True):
    positive, negative = rng.normal(0.7, 1, 300), rng.normal(0, 1, 200)
    if ties:
      positive, negative = positive.round(), negative.round()
    got, _ = two_sample.area(positive, negative)
    labels = np.repeat([1, 0], [300, 200])
    want = roc_auc_score(labels, np.concatenate([positive, negative]))
    assert got == pytest.approx(want, abs=1e-12)


def test_error_is_the_spread_over_draws():
  rng = np.random.RandomState(0)
  found = np.array(
    [
      two_sample.area(rng.normal(0.7, 1, 60), rng.normal(0, 1, 90))
      for _ in range(1500)
    ]
  )
  assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.06)


def test_the_same_distribution_is_near_half():
  for seed in range(3):
    value, error = two_sample.auc(draw(600, seed), draw(500, 99 + seed))
    assert 0.005 < error < 0.03
    assert abs(value - 0.5) < 3.5 * error
  floor = two_sample.real_floor(draw(1000, 7))
  assert abs(floor['auc'] - 0.5) < 3.5 * floor['auc_se']


def test_other_frequencies_are_seen():
  weights = [3] * 20 + [1] * 40
  value, error = two_sample.auc(draw(600, 0, weights), draw(600, 1))
  assert value > 0.5 + 5 * error


def test_other_pairs_of_the_same_words_are_seen():
  rng = random.Random(0)
  rising = [sorted(rng.sample(VOCABULARY, 12)) for _ in range(400)]
  falling = [sorted(rng.sample(VOCABULARY, 12))[::-1] for _ in range(400)]
  assert two_sample.auc(rising, falling)[0] > 0.95


def test_collapse_onto_good_sentences_is_seen():
  """Twenty sentences of the same distribution, twenty times each."""
  value, _ = two_sample.auc(draw(20, 0) * 20, draw(400, 1))
  assert value > 0.95


def test_copies_do_not_train_the_wrong_side():
  train = draw(600, 0)
  copies = random.Random(0).sample(train, 600)
  assert two_sample.auc(copies, train)[0] < 0.4  # without `together`
  assert two_sample.auc(copies, train, together=True)[0] == 0.5
  fresh = two_sample.auc(draw(600, 5), train, together=True)
  assert abs(fresh[0] - 0.5) < 3.5 * fresh[1]


def test_equal_sentences_share_a_half():
  one, other = draw(30, 0) * 3, draw(30, 0)[:15] + draw(40, 1)
  train = two_sample._halves_together(one, other)
  halves = {}
  for sentence, half in zip(one + other, train):
    assert halves.setdefault(tuple(sentence), half) == half
  assert 30 < sum(halves.values()) < 40  # of 70 distinct sentences


def test_the_same_texts_give_the_same_number():
  one, other = draw(200, 0), draw(200, 1)
  assert two_sample.auc(one, other) == two_sample.auc(one, other)


def test_more_than_the_limit_is_thinned(monkeypatch):
  one, other = draw(300, 0), draw(300, 1)
  want = two_sample.auc(one[::3], other[::3])
  monkeypatch.setattr(two_sample, 'MOST', 100)
  assert two_sample.auc(one, other) == want


def test_columns():
  one, other = draw(50, 0), draw(50, 1)
  texts = Texts(one, other, draw(50, 2))
  got = two_sample.AUC.of(texts) | two_sample.AUC_TRAIN.of(texts)
  assert set(got) == {'auc', 'auc_se', 'auc_train', 'auc_train_se'}
  assert {'auc', 'auc_train'} <= set(METRICS)
  assert got['auc'] == two_sample.auc(one, other)[0]
  assert not two_sample.AUC.fits(Texts(one))
  assert not two_sample.AUC_TRAIN.fits(Texts(one, other))


def test_few_sentences_have_no_value():
  few, enough = draw(19, 0), draw(20, 1)
  assert two_sample.AUC.of(Texts(few, enough)) == {}
  assert two_sample.AUC.of(Texts(enough, few)) == {}
  assert two_sample.AUC.of(Texts(enough, enough))
  assert two_sample.AUC_TRAIN.of(Texts(few * 9, [], enough)) == {}
  assert two_sample.real_floor(draw(39, 0)) == {}
  with pytest.raises(ValueError, match='20 sentences per side'):
    two_sample.auc(few, enough)


def test_area_without_features_is_half():
  empty = [[]] * 30
  assert two_sample.auc(empty, empty) == (0.5, 0.0)
  alone = [[f'once{i}'] for i in range(30)]  # every word is rare
  assert two_sample.auc(alone, empty)[0] == 0.5
