"""Divergences against sums over all sequences of a tiny pair of models.

Next-token probabilities are multiples of 1/4, so a sequence of length 4 has a
probability of k/256: with k copies of each sequence the sample is the whole
distribution, and estimates must be exact.
"""

import itertools

import jax
import numpy as np
import pytest

from moegan_jax.metrics import divergence

V, T, PARTS = 3, 4, 4
SEQUENCES = np.array(list(itertools.product(range(V), repeat=T)), np.int32)
SPLITS = np.array([[2, 1, 1], [1, 2, 1], [1, 1, 2]])
NAMES = ('nll_oracle', 'entropy', 'kl_qp', 'kl_pq', 'jeffreys', 'step_js')


def model(seed):
  """Returns random distributions for all prefixes, [27, T, V]."""
  rng = np.random.RandomState(seed)
  table = {}
  for t in range(T):
    for prefix in itertools.product(range(V), repeat=t):
      table[prefix] = SPLITS[rng.randint(len(SPLITS))] / PARTS
  return np.array(
    [[table[tuple(s[:t])] for t in range(T)] for s in SEQUENCES.tolist()]
  )


def probability(probs):
  """Computes log-probabilities of all SEQUENCES, [81]."""
  chosen = np.take_along_axis(probs, SEQUENCES[..., None], -1)[..., 0]
  return chosen.prod(1)


def length(sequence, pad):
  cut = np.flatnonzero(sequence == pad) if pad is not None else []
  return int(cut[0]) + 1 if len(cut) else T


def exact(q, p, pad):
  """Computes all divergences by definition, as sums over sequences."""
  total = dict.fromkeys(('lq', 'lp', 'kq', 'kp', 'jq', 'jp'), 0.0)
  lengths = dict.fromkeys('qp', 0.0)
  weights = {'q': probability(q), 'p': probability(p)}
  for i, s in enumerate(SEQUENCES):
    n = length(s, pad)
    log_q = sum(np.log(q[i, t, s[t]]) for t in range(n))
    log_p = sum(np.log(p[i, t, s[t]]) for t in range(n))
    js = 0.0
    for t in range(n):
      m = (q[i, t] + p[i, t]) / 2
      js += 0.5 * (q[i, t] * np.log(q[i, t] / m)).sum()
      js += 0.5 * (p[i, t] * np.log(p[i, t] / m)).sum()
    a, b = weights['q'][i], weights['p'][i]
    lengths['q'] += a * n
    lengths['p'] += b * n
    total['lp'] -= a * log_p
    total['lq'] -= a * log_q
    total['kq'] += a * (log_q - log_p)
    total['kp'] += b * (log_p - log_q)
    total['jq'] += a * js
    total['jp'] += b * js
  kl_qp, kl_pq = total['kq'] / lengths['q'], total['kp'] / lengths['p']
  return {
    'nll_oracle': total['lp'] / lengths['q'],
    'entropy': total['lq'] / lengths['q'],
    'kl_qp': kl_qp,
    'kl_pq': kl_pq,
    'jeffreys': kl_qp + kl_pq,
    'step_js': 0.5 * (total['jq'] / lengths['q'] + total['jp'] / lengths['p']),
  }


def terms(q, p, rows, pad):
  chunk = jax.jit(divergence.chunk_terms, static_argnums=3)
  log_q, log_p = np.log(q[rows]), np.log(p[rows])
  return chunk(log_q.astype('f4'), log_p.astype('f4'), SEQUENCES[rows], pad)


@pytest.fixture(scope='module')
def pair():
  return model(0), model(1)


@pytest.mark.parametrize('pad', [None, 0])
def test_exact_on_the_whole_distribution(pair, pad):
  q, p = pair

  def rows(x):
    copies = np.rint(probability(x) * PARTS**T).astype(int)
    assert copies.sum() == PARTS**T
    return np.repeat(np.arange(len(SEQUENCES)), copies)

  got = divergence.divergences(
    terms(q, p, rows(q), pad), terms(q, p, rows(p), pad)
  )
  want = exact(q, p, pad)
  for name in NAMES:
    np.testing.assert_allclose(got[name], want[name], rtol=2e-5, err_msg=name)
  assert want['kl_qp'] > 0.01  # not trivially zero


@pytest.mark.parametrize('pad', [None, 0])
def test_estimates_lie_within_their_errors(pair, pad):
  q, p = pair
  rng = np.random.RandomState(2)
  runs, n = 200, 400

  def draw(x):
    return rng.choice(len(SEQUENCES), size=(runs * n), p=probability(x))

  def shaped(x):  # the leading axis is many experiments
    found = terms(q, p, draw(x), pad)
    return {k: np.asarray(v).reshape(runs, n) for k, v in found.items()}

  got = divergence.divergences(shaped(q), shaped(p))
  want = exact(q, p, pad)
  for name in NAMES:
    assert got[name].shape == (runs,)
    assert np.isfinite(got[name]).all()
    error = got[f'{name}_se']
    assert abs(got[name][0] - want[name]) < 4 * error[0], name
    # The spread over many experiments equals the standard errors.
    z = (got[name] - want[name]) / error
    assert abs(z.mean()) < 0.3 and 0.8 < z.std() < 1.2, name


def test_equal_models_have_no_divergence(pair):
  q, _ = pair
  rows = np.arange(len(SEQUENCES))
  got = divergence.divergences(terms(q, q, rows, 0), terms(q, q, rows, 0))
  for name in ('kl_qp', 'kl_pq', 'jeffreys'):
    assert got[name] == 0 and got[f'{name}_se'] == 0
  assert abs(got['step_js']) < 1e-6
  np.testing.assert_array_equal(got['nll_oracle'], got['entropy'])


def test_fixed_length_is_the_plain_mean(pair):
  q, p = pair
  rows = np.random.RandomState(3).randint(len(SEQUENCES), size=50)
  found = terms(q, p, rows, None)
  got = divergence.divergences(found, found)
  each = np.asarray(found['log_q'] - found['log_p']) / T
  np.testing.assert_allclose(got['kl_qp'], each.mean(), rtol=1e-5)
  error = each.std(ddof=1) / np.sqrt(len(each))
  np.testing.assert_allclose(got['kl_qp_se'], error, rtol=1e-5)


def test_what_follows_the_end_does_not_count(pair):
  q, p = pair
  tokens = np.array([[1, 0, 2, 2], [1, 0, 0, 1]], np.int32)
  rows = [int(np.flatnonzero((s == SEQUENCES).all(1))[0]) for s in tokens]
  found = terms(q, p, rows, 0)
  for value in found.values():
    assert value[0] == value[1]
  assert found['length'].tolist() == [2, 2]


def test_jensen_shannon_of_disjoint_supports_is_log_2():
  with np.errstate(divide='ignore'):
    log_p, log_q = np.log(np.eye(2, dtype='f4'))
  np.testing.assert_allclose(
    divergence.jensen_shannon(log_p, log_q), np.log(2), rtol=1e-6
  )
