"""LM scores with a unigram model instead of the LSTM."""

from collections import Counter

import numpy as np
import pytest

from moegan_jax.metrics import divergence
from moegan_jax.metrics.lm_score import LM_SCORE, ratio
from moegan_jax.metrics.measure import LanguageModel, Texts

WORDS = [f'w{i}' for i in range(30)]


def fit_unigrams(sentences):
  """Fits a unigram model with add-one smoothing; the end is a word."""
  counts = Counter(w for s in sentences for w in [*s, None])
  total = sum(counts.values()) + len(WORDS) + 1

  def nll(text):
    nats = [
      -sum(np.log((counts[w] + 1) / total) for w in [*s, None]) for s in text
    ]
    return np.array(nats), np.array([len(s) + 1 for s in text])

  return LanguageModel(nll, features=None)


def sentences(n, seed, words=WORDS):
  rng = np.random.RandomState(seed)
  # A Zipf law, so that some words are rare.
  weights = 1 / np.arange(1, len(words) + 1)
  weights /= weights.sum()
  return [
    list(rng.choice(words, size=rng.randint(3, 9), p=weights)) for _ in range(n)
  ]


REAL = Texts(
  sentences(200, 0), sentences(150, 1), sentences(250, 2), fit_unigrams
)


def test_which_text_is_fitted_and_which_is_scored():
  def per_token(fitted, scored):
    nats, tokens = fit_unigrams(fitted).nll(scored)
    return nats.sum() / tokens.sum()

  found = LM_SCORE.of(REAL)
  assert set(found) == {
    f'{k}{s}' for k in LM_SCORE.columns for s in ('', '_se')
  }
  assert found['lm_score'] == pytest.approx(per_token(REAL.train, REAL.samples))
  assert found['reverse_lm_score'] == pytest.approx(
    per_token(REAL.samples, REAL.references)
  )
  alone = LM_SCORE.of(REAL._replace(train=[]))
  assert alone['lm_score'] == pytest.approx(
    per_token(REAL.references, REAL.samples)
  )


def test_collapse_and_noise():
  real = LM_SCORE.of(REAL)
  collapsed = LM_SCORE.of(REAL._replace(samples=[['w0', 'w0', 'w1']] * 200))
  # One likely sentence has a better LM score than real text.
  assert collapsed['lm_score'] < real['lm_score'] - 0.5
  assert collapsed['reverse_lm_score'] > real['reverse_lm_score'] + 0.5
  noise = LM_SCORE.of(REAL._replace(samples=sentences(200, 3, WORDS[::-1])))
  assert noise['lm_score'] > real['lm_score'] + 0.5
  assert noise['reverse_lm_score'] > real['reverse_lm_score'] + 0.5


def test_ratio_is_that_of_the_divergences():
  rng = np.random.RandomState(0)
  nats, tokens = rng.rand(50) * 9, rng.randint(1, 9, 50)
  terms = {'log_p': -nats, 'log_q': -nats, 'length': tokens, 'js': nats}
  found = divergence.divergences(terms, terms)
  expected = found['nll_oracle'], found['nll_oracle_se']
  assert ratio(nats, tokens) == pytest.approx(expected, rel=1e-12)


def test_standard_error_by_resampling():
  rng = np.random.RandomState(0)
  tokens = rng.randint(1, 30, 400)
  nats = tokens * 2.0 + rng.randn(400) * np.sqrt(tokens)
  _, error = ratio(nats, tokens)
  rows = rng.randint(0, 400, size=(2000, 400))
  drawn = nats[rows].sum(1) / tokens[rows].sum(1)
  assert error == pytest.approx(drawn.std(), rel=0.1)


def test_few_sentences_have_no_score():
  for name in ('samples', 'references', 'train'):
    assert LM_SCORE.of(REAL._replace(**{name: REAL.train[:19]})) == {}
  assert not LM_SCORE.fits(REAL._replace(fit_lm=None))
  assert not LM_SCORE.fits(REAL._replace(references=[]))


def test_texts_without_a_language_model_refuse_to_fit_one():
  with pytest.raises(ValueError, match=r'Measure\.needs'):
    Texts(sentences(3, 0)).language_model(sentences(3, 1))
