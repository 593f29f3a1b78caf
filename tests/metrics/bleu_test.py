"""BLEU, backward BLEU and Self-BLEU against NLTK and published digits."""

import random
import statistics

import hypothesis
import nltk.translate.bleu_score as nltk_bleu
import numpy as np
import pytest
from hypothesis import strategies as st

from moegan_jax.metrics import MEASURES, Texts, bleu

words = st.lists(st.sampled_from('abc'), max_size=7)


def by_nltk(hypothesis_, references, n):
  smooth = nltk_bleu.SmoothingFunction().method1
  return nltk_bleu.sentence_bleu(
    references, hypothesis_, [1 / n] * n, smoothing_function=smooth
  )


def check(got, name, hypotheses, references_of):
  """Computes NLTK's scores; references_of: index -> references."""
  assert [key for key in got if key.startswith(name)] == [
    f'{name}{n}' for n in range(2, 6)
  ]
  for n in range(2, 6):
    each = [
      by_nltk(words, references_of(i), n) for i, words in enumerate(hypotheses)
    ]
    np.testing.assert_allclose(got[f'{name}{n}'], each, rtol=0, atol=1e-12)


def check_bleu(hypotheses, references):
  got = bleu.bleu(hypotheses, references)
  check(got, 'bleu', hypotheses, lambda i: references)


def check_self_bleu(sentences):
  got = bleu.self_bleu(sentences)
  check(
    got, 'self_bleu', sentences, lambda i: sentences[:i] + sentences[i + 1 :]
  )


def check_backward_bleu(samples, references):
  got = bleu.backward_bleu(samples, references)
  check(got, 'backward_bleu', references, lambda i: samples)
  forward = bleu.bleu(samples, references)
  for n in range(2, 6):
    means = [forward[f'bleu{n}'].mean(), got[f'backward_bleu{n}'].mean()]
    want = statistics.harmonic_mean(means) if all(means) else 0
    assert got[f'harmonic_bleu{n}'] == pytest.approx(want, abs=1e-12)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
  st.lists(words, min_size=1, max_size=5),
  st.lists(words, min_size=1, max_size=5),
)
def test_bleu_and_backward_bleu_equal_nltk(hypotheses, references):
  check_bleu(hypotheses, references)
  check_backward_bleu(hypotheses, references)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(st.lists(words, min_size=2, max_size=6))
def test_self_bleu_equals_nltk(sentences):
  check_self_bleu(sentences)


@pytest.mark.parametrize('seed', range(3))
def test_longer_sentences_equal_nltk(seed):
  rng = random.Random(seed)

  def draw(n, vocabulary):
    return [rng.choices(vocabulary, k=rng.randint(1, 20)) for _ in range(n)]

  check_bleu(draw(12, 'abcdefg'), draw(15, 'abcdef'))
  check_backward_bleu(draw(12, 'abcdefg'), draw(15, 'abcdef'))
  check_self_bleu(draw(15, 'abcdef'))


@pytest.mark.parametrize(
  'hypothesis_',
  [
    [],  # scores 0
    ['a'],  # has 1-grams only
    ['z', 'z', 'z'],  # no common word: 0
    ['a', 'z', 'z', 'z', 'z', 'z', 'z'],  # longer than all references
    ['a', 'b', 'c'],  # equally far from lengths 2 and 4: 2 counts
    ['a', 'a', 'a', 'a'],  # clipped
  ],
)
def test_edge_cases_equal_nltk(hypothesis_):
  references = [['a', 'b'], ['a', 'b', 'c', 'd'], []]
  check_bleu([hypothesis_], references)
  check_bleu([hypothesis_], references[:1])
  check_backward_bleu([hypothesis_], references)


def test_brevity_of_a_tie_takes_the_shorter_reference():
  references = [list('abcde'), list('abc')]
  assert bleu.bleu([list('abcd')], references)['bleu2'] == 1.0


def test_self_bleu_of_unique_lengths_and_repeats():
  check_self_bleu([['a'], ['a', 'b'], ['a', 'b', 'c', 'a', 'b']])
  check_self_bleu([[], [], ['a']])
  assert bleu.self_bleu([list('abcdef')] * 3)['self_bleu5'].tolist() == [1] * 3
  assert (
    bleu.self_bleu([list('aaa'), list('bbb')])['self_bleu2'].tolist() == [0] * 2
  )


def test_collapse_is_seen_backward_only():
  references = [list('abcd'), list('efgh')]
  got = bleu.backward_bleu([list('abcd')] * 9, references)
  assert bleu.bleu([list('abcd')] * 9, references)['bleu2'].mean() == 1
  assert got['backward_bleu2'].tolist() == [1, 0]
  assert got['harmonic_bleu2'] == pytest.approx(2 / 3)


def test_small_golden_case():
  lines = 'a man rides a red bike', 'two dogs on a sandy beach'
  references = [line.split() for line in lines]
  lines = 'a man on a red bike', 'dogs on a beach'
  hypotheses = [line.split() for line in lines]
  got = bleu.bleu(hypotheses, references)
  got = {key: np.mean(values) for key, values in got.items()}
  want = {
    'bleu2': 0.694828700441560,
    'bleu3': 0.502674209396828,
    'bleu4': 0.272453356423012,
    'bleu5': 0.197736458281735,
  }
  assert got == pytest.approx(want, abs=1e-12)


def test_measures_declare_their_keys():
  texts = Texts([list('abc'), list('abd')], [list('abc'), list('bcd')])
  for name in ('bleu', 'backward_bleu', 'self_bleu'):
    measure = MEASURES[name]
    assert set(measure.of(texts)) == set(measure.columns)
  assert MEASURES['self_bleu'].of(Texts([['a']])) == {}


def test_too_few_sentences_are_refused():
  with pytest.raises(ValueError, match='two sentences'):
    bleu.self_bleu([['a']])
  with pytest.raises(ValueError, match='one reference'):
    bleu.bleu([['a']], [])
  with pytest.raises(ValueError, match='one hypothesis'):
    bleu.bleu([], [['a']])
  with pytest.raises(ValueError, match='one hypothesis'):
    bleu.backward_bleu([], [['a']])


# BLEU-2..5, then Self-BLEU-2..5, of the samples released with Texygen.
PUBLISHED_SAMPLES = {
  'samples_mle.txt': (
    (0.731387, 0.497373, 0.305423, 0.189404),
    (0.915850, 0.769354, 0.582886, 0.409000),
  ),
  'samples_seq.txt': (
    (0.745664, 0.497745, 0.294530, 0.180113),
    (0.950965, 0.840966, 0.670374, 0.490000),
  ),
  'samples_leakgan.txt': (
    (0.745659, 0.527893, 0.355012, 0.229993),
    (0.966248, 0.913318, 0.848570, 0.780423),
  ),
}


@pytest.fixture(scope='module')
def read(benchmark_files):
  codecs = pytest.importorskip('moegan_jax.data.codecs')
  split = codecs.CODECS['word'].split

  def tokenised(name):
    lines = (benchmark_files / name).read_text('utf-8').splitlines()
    return [split(line.strip().lower()) for line in lines]

  return tokenised


@pytest.fixture(scope='module')
def references(read):
  return read('test_coco.txt')


@pytest.mark.parametrize('name', PUBLISHED_SAMPLES)
def test_published_samples(name, read, references):
  samples = read(name)
  scores, selves = PUBLISHED_SAMPLES[name]
  got = [x.mean() for x in bleu.bleu(samples, references).values()]
  np.testing.assert_allclose(got, scores, rtol=0, atol=5.1e-7)
  got = [x.mean() for x in bleu.self_bleu(samples).values()]
  np.testing.assert_allclose(got, selves, rtol=0, atol=5.1e-7)
