"""Negative log-likelihoods against manual sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.metrics import likelihood

V, T = 5, 4
UNK = V + 1
TOKENS = np.array(
  [
    [1, 2, 0, 0],  # two words and an end
    [1, UNK, 3, 0],  # an unknown word
    [4, 3, 2, 1],  # full length: no end symbol
    [0, 0, 0, 0],  # the empty sentence
  ],
  np.int32,
)


@pytest.fixture
def logits():
  return np.random.RandomState(0).randn(len(TOKENS), T, V).astype(np.float32)


def by_hand(logits):
  """Returns log p of each known target as {(row, position): value}."""
  found = {}
  for i, row in enumerate(TOKENS):
    for t, token in enumerate(row):
      if token < V:
        p = np.exp(logits[i, t].astype(float))
        found[i, t] = np.log(p[token] / p.sum())
  return found


@pytest.mark.parametrize('wrap', [lambda f: f, jax.jit])
def test_token_log_probs(logits, wrap):
  got = wrap(likelihood.token_log_probs)(logits, TOKENS)
  want = np.zeros(TOKENS.shape)
  for place, value in by_hand(logits).items():
    want[place] = value
  np.testing.assert_allclose(got, want, atol=1e-5)
  assert got[1, 1] == 0


def test_end_mask():
  x, o = True, False
  want = [[x, x, x, o], [x, x, x, x], [x, x, x, x], [x, o, o, o]]
  np.testing.assert_array_equal(likelihood.end_mask(TOKENS, 0), want)
  assert likelihood.end_mask(TOKENS, None).all()


def test_both_normalisations(logits):
  log_probs = likelihood.token_log_probs(logits, TOKENS)
  terms = likelihood.nll_terms(log_probs, TOKENS, pad=0, vocab_size=V)
  hand = by_hand(logits)
  real = {
    (0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (1, 3),
    (2, 0), (2, 1), (2, 2), (2, 3), (3, 0),
  }  # fmt: skip
  got = likelihood.nll(terms)
  np.testing.assert_allclose(got['nll'], -np.mean(list(hand.values())), 1e-5)
  np.testing.assert_allclose(
    got['nll_token'], -np.mean([hand[k] for k in real]), 1e-5
  )
  np.testing.assert_allclose(got['skipped'], 1 / 12)


def test_chunks_add_up(logits):
  def terms(rows):
    log_probs = likelihood.token_log_probs(logits[rows], TOKENS[rows])
    return likelihood.nll_terms(log_probs, TOKENS[rows], pad=0, vocab_size=V)

  whole = likelihood.nll(terms(slice(None)))
  one, two = terms(slice(0, 1)), terms(slice(1, None))
  both = likelihood.nll({k: jnp.concatenate([one[k], two[k]]) for k in one})
  for name in whole:
    np.testing.assert_allclose(both[name], whole[name], rtol=1e-6)


def test_fixed_length_has_one_normalisation_and_seeds_are_kept(logits):
  tokens = np.minimum(TOKENS, V - 1)

  def terms(logits):
    log_probs = likelihood.token_log_probs(logits, tokens)
    return likelihood.nll_terms(log_probs, tokens, pad=None, vocab_size=V)

  got = likelihood.nll(jax.vmap(terms)(jnp.stack([logits, 2 * logits])))
  assert got['nll'].shape == (2,)
  np.testing.assert_array_equal(got['nll'], got['nll_token'])
  np.testing.assert_allclose(
    got['nll'][0], likelihood.nll(terms(logits))['nll']
  )


def test_nothing_known_is_nan():
  tokens = np.full((1, T), UNK, np.int32)
  terms = likelihood.nll_terms(jnp.zeros((1, T)), tokens, pad=0, vocab_size=V)
  got = likelihood.nll(terms)
  assert np.isnan(got['nll']) and got['skipped'] == 1


def test_pads_after_end():
  """Pads after the first pad: 1 of 1, none of none, and 2 of 3."""
  tokens = np.array([[1, 2, 0, 0], [1, 2, 3, 0], [0, 3, 0, 0]], np.int32)
  assert likelihood.pads_after_end(tokens, 0) == 3 / 4
  assert likelihood.pads_after_end(TOKENS, 0) == 1.0
  assert np.isnan(likelihood.pads_after_end(tokens[1:2], 0))
