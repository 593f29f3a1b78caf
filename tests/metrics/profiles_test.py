"""Profiles of BLEU against loops over NLTK, one protocol each."""

import random

import nltk.translate.bleu_score as nltk_bleu
import numpy as np
import pytest

from moegan_jax.metrics import bleu
from moegan_jax.metrics.profiles import PROFILES


def sentences(seed, count):
  rng = random.Random(seed)
  return [
    rng.choices('abcdefgh', k=rng.choice([0, 3, 6, 9, 12]))
    for _ in range(count)
  ]


SAMPLES, REFERENCES = sentences(0, 230), sentences(1, 40)


def by_nltk(words, references):
  smooth = nltk_bleu.SmoothingFunction().method1
  return nltk_bleu.sentence_bleu(
    references, words, [0.25] * 4, smoothing_function=smooth
  )


# How many samples BLEU and Self-BLEU score; are they among their references.
PROTOCOLS = {
  'strict': (230, 230, False),
  'texygen': (230, 230, False),
  'relgan': (100, 200, True),
  'textgan': (200, 200, False),
}


def test_every_profile_is_checked_here():
  assert set(PROTOCOLS) == set(PROFILES)
  assert list(PROFILES)[0] == 'strict'
  cased = {name for name, profile in PROFILES.items() if profile.cased}
  assert cased == {'texygen', 'relgan'}
  for profile in PROFILES.values():
    assert '\n' not in profile.text


@pytest.mark.parametrize('name', PROTOCOLS)
def test_bleu(name):
  got = PROFILES[name].bleu(SAMPLES, REFERENCES)
  assert list(got) == [f'bleu{n}' for n in range(2, 6)]
  count = PROTOCOLS[name][0]
  want = [by_nltk(words, REFERENCES) for words in SAMPLES[:count]]
  np.testing.assert_allclose(got['bleu4'], want, rtol=0, atol=1e-12)


@pytest.mark.parametrize('name', PROTOCOLS)
def test_self_bleu(name):
  got = PROFILES[name].self_bleu(SAMPLES)
  assert list(got) == [f'self_bleu{n}' for n in range(2, 6)]
  _, count, own = PROTOCOLS[name]
  assert len(got['self_bleu4']) == count
  for i in (0, 7, count - 1):
    others = SAMPLES if own else SAMPLES[:i] + SAMPLES[i + 1 :]
    want = by_nltk(SAMPLES[i], others)
    assert got['self_bleu4'][i] == pytest.approx(want, abs=1e-12)


def test_relgan_self_bleu_is_one_by_construction():
  """Of sentences with four words or more, however different they are."""
  different = [[f'{i}-{j}' for j in range(6)] for i in range(10)]
  strict = PROFILES['strict'].self_bleu(different)['self_bleu4']
  assert strict.mean() == 0.0
  got = PROFILES['relgan'].self_bleu(different)['self_bleu4']
  np.testing.assert_allclose(got, 1.0)


def test_few_samples():
  for profile in PROFILES.values():
    assert profile.self_bleu(SAMPLES[:1]) == {}
    few = SAMPLES[:5]
    want = bleu.bleu(few, REFERENCES)['bleu3']
    got = profile.bleu(few, REFERENCES)['bleu3']
    np.testing.assert_array_equal(got, want)


def test_strict_is_the_measure():
  strict = PROFILES['strict']
  want = bleu.bleu(SAMPLES, REFERENCES) | bleu.self_bleu(SAMPLES)
  got = strict.bleu(SAMPLES, REFERENCES) | strict.self_bleu(SAMPLES)
  assert set(got) == set(want)
  for key, values in want.items():
    np.testing.assert_array_equal(got[key], values)
