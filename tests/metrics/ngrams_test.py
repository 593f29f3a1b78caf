"""n-grams against NLTK, SciPy and manual counts."""

import math
from collections import Counter

import hypothesis
import numpy as np
import pytest
import scipy.spatial
import scipy.stats
from hypothesis import strategies as st
from nltk.util import ngrams as nltk_ngrams

from moegan_jax.metrics import Texts, ngrams

texts = st.lists(
  st.lists(st.sampled_from('abc'), max_size=7), min_size=1, max_size=6
)


def count(sentences, n):
  return Counter(gram for s in sentences for gram in nltk_ngrams(s, n))


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(texts)
def test_distinct_and_entropy(samples):
  got = ngrams.NGRAMS.of(Texts(samples))
  for n in range(1, 5):
    counts = count(samples, n)
    if not counts:
      assert f'distinct{n}' not in got and f'ngram_entropy{n}' not in got
      continue
    assert got[f'distinct{n}'] == len(counts) / counts.total()
    want = scipy.stats.entropy(list(counts.values()))
    assert got[f'ngram_entropy{n}'] == pytest.approx(want, abs=1e-12)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(texts, texts)
def test_js_against_scipy_both_ways(samples, references):
  got = ngrams.ngram_js(samples, references)
  assert got == pytest.approx(ngrams.ngram_js(references, samples), abs=1e-12)
  for n in range(1, 5):
    p, q = count(samples, n), count(references, n)
    if not p or not q:
      assert f'ngram_js{n}' not in got
      continue
    keys = [*(p | q)]
    vectors = [[c[key] for key in keys] for c in (p, q)]
    want = scipy.spatial.distance.jensenshannon(*vectors) ** 2
    assert got[f'ngram_js{n}'] == pytest.approx(want, abs=1e-9)


def test_by_hand():
  got = ngrams.distinct([['a', 'b', 'a'], ['a']])
  assert got == pytest.approx(
    {
      'distinct1': 0.5,
      'ngram_entropy1': -0.75 * math.log(0.75) - 0.25 * math.log(0.25),
      'distinct2': 1.0,
      'ngram_entropy2': math.log(2),
      'distinct3': 1.0,
      'ngram_entropy3': 0.0,
    }
  )


def test_js_of_equal_and_of_disjoint_texts():
  one, other = [list('abcde')], [list('vwxyz')]
  same = ngrams.ngram_js(one, one)
  assert list(same) == [f'ngram_js{n}' for n in range(1, 5)]
  assert set(same.values()) == {0.0}
  apart = ngrams.ngram_js(one, other)
  for value in apart.values():
    assert value == pytest.approx(math.log(2), abs=1e-12)
    assert value <= math.log(2)


def test_finite_samples_bias_js_upwards():
  """The divergence of two draws falls with the number of sentences."""
  rng = np.random.RandomState(0)

  def js(n):
    draw = rng.randint(0, 10, (2, n, 8)).astype(str).tolist()
    return ngrams.ngram_js(*draw)['ngram_js2']

  assert 0.2 > js(50) > 3 * js(500) > 0


def test_large_ngram_numbers_are_renumbered(monkeypatch):
  rng = np.random.RandomState(0)
  sentences = rng.randint(0, 50, (20, 9)).astype(str).tolist()
  want = ngrams.distinct(sentences), ngrams.ngram_js(sentences, sentences[:9])
  monkeypatch.setattr(ngrams, '_TOO_LARGE', 50**3)
  tables = ngrams.occurrences(sentences)
  assert tables[-1].gram.max() < 50 * 20 * 9  # the integers were renumbered
  got = ngrams.distinct(sentences), ngrams.ngram_js(sentences, sentences[:9])
  assert got == want


def test_no_words_at_all():
  assert ngrams.distinct([[], []]) == {}
  assert ngrams.ngram_js([[]], [['a', 'b']]) == {}
