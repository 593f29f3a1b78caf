"""Tests of the captions grammar and its automaton."""

import functools
import itertools
from collections import Counter

import jax
import numpy as np
import pytest

from moegan_jax.data import captions
from moegan_jax.data.corpus import array_sha256, describe
from moegan_jax.data.synthetic import load_captions
from moegan_jax.errors import UserError

TINY = """
S: *3 a THING.n goes . | *1 SEE.p .
THING.#: *1 owl | *2 cat | *1 owl
SEE.#: we see~ | we look~
"""


@pytest.fixture(scope='module')
def oracle():
  return captions.captions_oracle()[0]


@pytest.fixture(scope='module')
def machine():
  return captions.captions_automaton()


@pytest.fixture(scope='module')
def samples(oracle):
  return oracle.sample(np.random.RandomState(0), 5000)


def _sentence(text):
  words = captions.captions_oracle()[1]
  ids = [words.index(word) + 1 for word in text.split()]
  return np.array(ids + [0] * (captions.captions_automaton().length - len(ids)))


def test_size(machine):
  states, classes = machine.probs.shape
  assert len(machine.words) == classes - 1 > 600
  assert machine.words == sorted(set(machine.words))
  assert states * classes < 4_000_000
  assert machine.length == 24


def test_probabilities_sum_to_one_everywhere(oracle, machine, samples):
  np.testing.assert_allclose(machine.probs.sum(1), 1, atol=1e-9)
  classes = machine.probs.shape[1]
  wild = np.random.RandomState(1).randint(0, classes, (20, machine.length))
  tokens = np.concatenate([samples[:20], wild])
  probs = np.exp(np.asarray(jax.jit(oracle.log_probs)(tokens)))
  np.testing.assert_allclose(probs.sum(-1), 1, atol=1e-4)
  ended = np.cumsum(tokens == 0, 1) - (tokens == 0) > 0
  assert ended.any()
  np.testing.assert_array_equal(probs[ended][:, 0], 1)
  np.testing.assert_array_equal(probs[ended][:, 1:], 0)
  floor = captions.EPS / classes
  assert probs[~ended].min() > 0.999 * floor


def test_log_probs_equal_a_naive_loop(oracle, machine, samples):
  """Uses the sparse arcs and words, without the dense tables."""
  arcs, visits, _ = captions.determinise(captions.parse(captions.read_rules()))
  names = ['', *machine.words]
  best = {}
  for state, arc in enumerate(arcs):
    for word, (p, target) in arc.items():
      if word and visits[state] * p >= best.get(word, (0, 0))[0]:
        best[word] = (visits[state] * p, target)
  wild = np.random.RandomState(3).randint(1, len(names), (5, machine.length))
  tokens = np.concatenate([samples[:10], wild])
  given = np.asarray(oracle.log_probs(tokens))
  for row, log_probs in zip(tokens, given):
    state = 0
    for token, step in zip(row, log_probs):
      uniform = captions.EPS / len(names)
      p = (1 - captions.EPS) * arcs[state].get(names[token], (0,))[0] + uniform
      np.testing.assert_allclose(step[token], np.log(p), atol=1e-5)
      if token == 0:
        break
      arc = arcs[state].get(names[token], best[names[token]])
      state = arc[1]


def test_a_tiny_grammar_by_hand():
  machine = captions.build_automaton(captions.parse(TINY), eps=0.07)
  assert machine.words == [
    '.', 'a', 'an', 'are', 'cat', 'goes', 'look', 'looking', 'owl', 'see',
    'seeing', 'we',
  ]  # fmt: skip
  assert machine.length == 4
  ids = {word: i + 1 for i, word in enumerate(machine.words)}
  start = machine.probs[0]
  uniform = 0.07 / 13
  np.testing.assert_allclose(start[ids['a']], 0.93 * 0.375 + uniform)
  np.testing.assert_allclose(start[ids['an']], 0.93 * 0.375 + uniform)
  np.testing.assert_allclose(start[ids['we']], 0.93 * 0.25 + uniform)
  np.testing.assert_allclose(start[ids['cat']], uniform)
  # A word outside of the state's arcs leads to its state in the grammar.
  here = machine.next[0, ids['cat']]
  assert machine.legal[here].nonzero()[0].tolist() == [ids['goes']]
  assert machine.next[here, 0] == machine.end
  assert (machine.next[machine.end] == machine.end).all()


def test_all_sequences_of_a_tiny_grammar_sum_to_one():
  rules = captions.parse('S: a B . | B B\nB: x | y')
  machine = captions.build_automaton(rules, eps=0.1)
  classes = machine.probs.shape[1]
  total = 0
  for row in itertools.product(range(classes), repeat=machine.length):
    p, state = 1, 0
    for token in row:
      p *= machine.probs[state, token]
      state = machine.next[state, token]
    total += p
  np.testing.assert_allclose(total, 1, atol=1e-12)


def test_sample_frequencies_match_the_table(machine, samples):
  first = np.bincount(samples[:, 0], minlength=machine.probs.shape[1])
  expected = len(samples) * machine.probs[0]
  frequent = expected > 20
  deviation = (first - expected)[frequent] / np.sqrt(expected[frequent])
  assert frequent.sum() > 5 and np.abs(deviation).max() < 4


def test_grammatical_share_equals_the_share_without_uniform_words(
  oracle, machine, samples
):
  lengths = (samples > 0).sum(1)
  steps = np.minimum(lengths + 1, machine.length)  # words and the end
  expected = ((1 - captions.EPS) ** steps).mean()
  assert abs(oracle.grammatical(samples).mean() - expected) < 0.008


def test_grammatical_by_hand(oracle):
  good = [
    'a man in a red jacket rides a bicycle down a quiet street .',
    'two dogs are catching a frisbee .',
    'an old woman is cooking soup in a pan in a modern kitchen .',
  ]
  bad = [
    'a man in a red jacket ride a bicycle down a quiet street .',
    'two dogs catches a frisbee .',
    'a old woman is cooking soup in a pan in a modern kitchen .',
    'an old woman is cooking soup in a pan in the harbor .',
    'two dogs are catching a frisbee',
    '',
  ]
  tokens = np.stack([_sentence(text) for text in good + bad])
  expected = [True] * len(good) + [False] * len(bad)
  assert oracle.grammatical(tokens).tolist() == expected
  # One wrong word costs one penalty; later words cost none.
  chosen = np.asarray(oracle.log_probs(tokens[[0, 3]]))
  each = np.take_along_axis(chosen, tokens[[0, 3]][..., None], -1)[..., 0]
  assert ((each[0] < -9).sum(), (each[1] < -9).sum()) in ((0, 1), (0, 2))
  no_end = tokens[0].copy()
  no_end[-1] = 1  # a word after the end
  assert not oracle.grammatical(no_end[None])[0]


def test_sentence_of_full_length_has_no_end_symbol(oracle, machine):
  @functools.cache
  def longest(state):
    """Returns the length of the longest path to the end, the end included."""
    if state == machine.end:
      return ()
    ways = [
      (token, *longest(machine.next[state, token]))
      for token in machine.legal[state].nonzero()[0]
    ]
    return max(ways, key=len)

  tokens = np.array([longest(0)])
  assert tokens.shape[1] == machine.length + 1 and tokens[0, -1] == 0
  tokens = tokens[:, :-1]
  assert machine.words[tokens[0, -1] - 1] == '.'
  assert oracle.grammatical(tokens).all()
  tokens[0, -1] = tokens[0, 0]
  assert not oracle.grammatical(tokens).any()


@pytest.mark.parametrize(
  ('verb', 'forms'),
  [
    ('ride', 'rides is riding riding'),
    ('carry', 'carries is carrying carrying'),
    ('lie', 'lies is lying lying'),
    ('sit', 'sits is sitting sitting'),
    ('wash', 'washes is washing washing'),
    ('play', 'plays is playing playing'),
    ('look', 'looks is looking looking'),
    ('have', 'has is having having'),
    ('be', 'is'),
  ],
)
def test_verbs(verb, forms):
  given = captions.conjugate(verb, 'm')
  assert ' '.join(' '.join(form) for _, form in given) == forms
  assert sum(p for p, _ in given) == pytest.approx(1)


def test_draws_are_pinned(samples):
  assert (
    array_sha256(samples[:500])
    == '3a32ced9386d1c295e485385ebd04541cfa91e57aa654d4593a642c12c2fafd3'
  )


def test_corpus():
  corpus = load_captions(train_size=1000, test_size=500, seed=1)
  assert corpus.train.shape == (950, 24) and corpus.valid.shape == (50, 24)
  assert corpus.test.shape == (500, 24) and corpus.pad == 0
  train = set(map(tuple, corpus.train_words + corpus.valid_words))
  assert not train & set(map(tuple, corpus.test_words))
  assert corpus.record['overlap_lines'] == 0
  assert corpus.record['test_dropped_share'] < 0.05
  assert 'left out because training has them' in describe(corpus.record)
  np.testing.assert_array_equal(corpus.encode(corpus.test_words), corpus.test)
  lines = corpus.text(corpus.train)
  assert np.mean([line.endswith(' .') for line in lines]) > 0.97
  assert Counter(lines).most_common(1)[0][1] < 10
  assert (
    corpus.record['train_sha256']
    == '3cd8d6e0f586a9caea9ec95aab5fb28945e36392618cef591e8170632d59584b'
  )
  assert (
    corpus.record['test_sha256']
    == 'a7d96469985fca060c42728b3f3420d7a32feb05b28f7e7f34048a43d7859d9c'
  )
  with pytest.raises(UserError, match='train_size'):
    load_captions(train_size=3)
