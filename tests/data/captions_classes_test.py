"""Classes of the captions grammar, and their exact densities."""

import functools
import itertools

import jax
import numpy as np
import pytest

from moegan_jax.data import captions, captions_classes, synthetic
from moegan_jax.data.captions_classes import EPS, NAMES

K = len(NAMES)
# A small grammar whose sentences can be enumerated, with the words that decide.
GRAMMAR = """
S: WHO is here | a sign by WHO | nothing
WHO: *3 a man | *1 a dog | a dog and a man
"""


@pytest.fixture(scope='module')
def small():
  """Returns the automaton of the small grammar and what its words decide."""
  machine = captions.build_automaton(captions.parse(GRAMMAR), 0.05)
  decided = np.full(len(machine.words) + 1, -1)
  decided[machine.words.index('dog') + 1] = 0
  decided[machine.words.index('man') + 1] = 1
  return machine, decided


@functools.cache
def whole():
  return synthetic.load_captions(train_size=400, test_size=200)


def test_text_does_not_depend_on_the_labels():
  """The checksum is that of a version without labels."""
  corpus = whole()
  oracle, _ = captions.captions_oracle()
  train = oracle.sample(np.random.RandomState(0), 400)
  np.testing.assert_array_equal(
    np.concatenate([corpus.train, corpus.valid]), train
  )
  for part in ('train', 'valid', 'test'):
    assert len(corpus.labels[part]) == len(getattr(corpus, part))
  assert corpus.label_names == NAMES == tuple(sorted(NAMES))
  assert min(corpus.class_sizes) > 40
  again = synthetic.load_captions(train_size=400, test_size=200)
  np.testing.assert_array_equal(again.labels['test'], corpus.labels['test'])


def test_first_word_that_names_a_kind_decides():
  corpus = whole()
  decided = captions_classes.kinds_of(corpus.vocabulary[1:])
  for text, name in {
    'a man walking a brown dog in a park .': 'people',
    'a black cat staring at a bird .': 'animals',
    'a close up of a white plate of pasta and fries .': 'things',
    'a herd of brown cows graze while a man watches .': 'animals',
    '': 'things',
  }.items():
    tokens = corpus.encode([text.split()])
    assert NAMES[captions_classes.kinds(tokens, decided)[0]] == name
  kinds = captions_classes.kinds(corpus.train, decided)
  assert np.mean(kinds != corpus.labels['train']) < 5 * EPS


def test_posterior_equals_that_of_all_sentences(small):
  """Sums over all sequences of words, legal or not, of a grammar cut at T."""
  machine, decided = small
  length = 3
  machine = machine._replace(length=length)
  found = captions_classes.posterior(machine, decided)
  classes = range(len(machine.words) + 1)
  expected = np.zeros(K)
  for row in itertools.product(classes, repeat=length):
    state, p = 0, 1.0
    for token in row:
      p *= machine.probs[state, token]
      state = machine.next[state, token]
    kind = next((decided[x] for x in row if decided[x] >= 0), K - 1)
    expected[kind] += p
  np.testing.assert_allclose(found[0, 0], expected, atol=1e-12)
  np.testing.assert_allclose(found.sum(-1), 1, atol=1e-9)


def test_densities_given_a_class_are_exact_and_normalised():
  """p(x | k) = p(x) p(k | x) / p(k) for whole sentences."""
  corpus = whole()
  oracle = corpus.oracle
  decided = captions_classes.kinds_of(corpus.vocabulary[1:])
  tokens = np.concatenate([corpus.test[:20], corpus.test[:4]])
  tokens[-4:, 3] = 1 + np.arange(4)  # words that the grammar does not allow
  kinds = captions_classes.kinds(tokens, decided)
  prior = captions_classes.with_noise(
    captions_classes.posterior(captions.captions_automaton(), decided)[0, 0]
  )
  assert prior.sum() == pytest.approx(1) and min(prior) > 0.1

  def total(steps):
    return np.take_along_axis(
      np.asarray(steps, np.float64), tokens[..., None], -1
    ).sum((1, 2))

  base = total(oracle.log_probs(tokens))
  given = jax.jit(oracle.classes.log_probs)
  for k in range(K):
    steps = given(tokens, np.full(len(tokens), k, np.int32))
    np.testing.assert_allclose(jax.nn.logsumexp(steps, axis=-1), 0, atol=2e-5)
    noise = np.where(kinds == k, 1 - EPS + EPS / K, EPS / K)
    expected = base + np.log(noise) - np.log(prior[k])
    np.testing.assert_allclose(total(steps), expected, atol=2e-4)


def test_labels_are_draws_from_the_density():
  """The mean log-ratio has the sign of a KL, and labels have their shares."""
  corpus = whole()
  oracle = corpus.oracle
  tokens = oracle.sample(np.random.RandomState(5), 4000)
  labels = oracle.classes.draw(np.random.RandomState(6), tokens)
  decided = captions_classes.kinds_of(corpus.vocabulary[1:])
  prior = captions_classes.with_noise(
    captions_classes.posterior(captions.captions_automaton(), decided)[0, 0]
  )
  shares = np.bincount(labels, minlength=K) / len(labels)
  error = np.sqrt(prior * (1 - prior) / len(labels))
  assert (abs(shares - prior) < 4 * error).all()
