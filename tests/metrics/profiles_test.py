"""Profiles against NLTK, for each hypothesis."""

import random

import nltk.translate.bleu_score as nltk_bleu
import numpy as np
import pytest

from moegan_jax.metrics import bleu
from moegan_jax.metrics.profiles import PROFILES

SMOOTH = nltk_bleu.SmoothingFunction().method1


def draw(n, seed):
  rng = random.Random(seed)
  return [rng.choices('abcdefgh', k=rng.randint(1, 12)) for _ in range(n)]


SAMPLES, REFERENCES = draw(230, 0), draw(40, 1)


def check(found, key, scored, references_of):
  """Compares some scores with NLTK, and their number."""
  assert set(found) == {f'{key}{n}' for n in range(2, 6)}
  for n in range(2, 6):
    assert found[f'{key}{n}'].shape == (scored,)
    for i in (0, 1, 57, scored - 1):
      want = nltk_bleu.sentence_bleu(
        references_of(i), SAMPLES[i], [1 / n] * n, smoothing_function=SMOOTH
      )
      assert found[f'{key}{n}'][i] == pytest.approx(want, abs=1e-12)


def others(i):
  return SAMPLES[:i] + SAMPLES[i + 1 :]


@pytest.mark.parametrize(
  ('name', 'cased', 'scored', 'self_scored', 'pool'),
  [
    ('strict', False, 230, 230, others),
    ('texygen', True, 230, 230, others),
    ('relgan', True, 100, 200, lambda _: SAMPLES),
    ('textgan', False, 200, 200, others),
  ],
)
def test_profiles_equal_nltk(name, cased, scored, self_scored, pool):
  profile = PROFILES[name]
  assert profile.cased == cased
  found = profile.bleu(SAMPLES, REFERENCES)
  check(found, 'bleu', scored, lambda _: REFERENCES)
  check(profile.self_bleu(SAMPLES), 'self_bleu', self_scored, pool)


def test_relations_between_profiles():
  assert set(PROFILES) == {'strict', 'texygen', 'relgan', 'textgan'}
  everything = bleu.bleu(SAMPLES, REFERENCES)
  first = PROFILES['relgan'].bleu(SAMPLES, REFERENCES)
  np.testing.assert_array_equal(first['bleu4'], everything['bleu4'][:100])
  # A sample that is its own reference matches perfectly, if it has n-grams of
  # this order.
  matched = PROFILES['relgan'].self_bleu(SAMPLES)['self_bleu2']
  long = [len(words) > 1 for words in SAMPLES[:200]]
  np.testing.assert_allclose(matched[long], 1)


@pytest.mark.parametrize('name', PROFILES)
def test_few_samples(name):
  assert PROFILES[name].self_bleu(SAMPLES[:1]) == {}
  assert PROFILES[name].self_bleu(SAMPLES[:2])['self_bleu2'].shape == (2,)
  assert PROFILES[name].bleu([[]], REFERENCES)['bleu2'].tolist() == [0]
