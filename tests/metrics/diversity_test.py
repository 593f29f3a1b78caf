"""Shares of repeated and copied sentences."""

import pytest

from moegan_jax.metrics import METRICS, QUICK, Texts, diversity, text_measures

SAMPLES = [['a', 'cat'], ['a', 'dog'], ['a', 'cat'], []]
TRAIN = [['a', 'dog'], ['a', 'cat', 'sat']]


def test_by_hand():
  assert diversity.DIVERSITY.of(Texts(SAMPLES, train=TRAIN)) == {
    'distinct_sentences': 0.75,
    'top_sentence': 0.5,
    'mean_length': 1.5,
    'copied': 0.25,
  }


def test_ambiguous_joins_stay_different():
  assert diversity.distinct_sentences([['ab', 'c'], ['a', 'bc']]) == 1.0


def test_no_samples_are_refused():
  with pytest.raises(ValueError, match='no samples'):
    diversity.distinct_sentences([])


def test_text_measures_are_registered():
  got = text_measures(Texts(SAMPLES, TRAIN, TRAIN), QUICK)
  assert set(got) <= set(METRICS)
  assert len(got) == 12
  assert all(0 <= got[k] <= 1 for k in got if k != 'mean_length')


def test_every_metric_is_described():
  for name, metric in METRICS.items():
    assert metric.better in ('lower', 'higher', 'real'), name
    assert metric.label and metric.text, name
