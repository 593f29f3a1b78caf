"""Tests of the LSTM oracle: exact probabilities and pinned draws."""

import itertools
import os
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.data import oracle as oracle_lib
from moegan_jax.data.corpus import array_sha256
from moegan_jax.data.synthetic import load_oracle
from moegan_jax.errors import UserError

V, T, DIM = 7, 5, 4


@pytest.fixture(scope='module')
def tiny():
  return oracle_lib.lstm_oracle(vocab_size=V, length=T, dim=DIM, seed=3)


@pytest.fixture(scope='module')
def every_sequence():
  return np.array(list(itertools.product(range(V), repeat=T)), np.int32)


def _chosen(log_probs, tokens):
  return np.take_along_axis(np.asarray(log_probs), tokens[..., None], -1)[
    ..., 0
  ]


def _naive(params, tokens):
  """Evaluates SeqGAN's equations for one sequence step by step in float64."""
  p = {name: array.astype(np.float64) for name, array in params.items()}

  def gate(name, x, h, squash):
    return squash(x @ p['w' + name] + h @ p['u' + name] + p['b' + name])

  def sigmoid(z):
    return 1 / (1 + np.exp(-z))

  h, c, previous, rows = np.zeros(DIM), np.zeros(DIM), 0, []
  for token in tokens:
    x = p['embedding'][previous]
    i, f = gate('i', x, h, sigmoid), gate('f', x, h, sigmoid)
    o, candidate = gate('og', x, h, sigmoid), gate('c', x, h, np.tanh)
    c = f * c + i * candidate
    h = o * np.tanh(c)
    logits = h @ p['wo'] + p['bo']
    rows.append(logits - np.log(np.exp(logits).sum()))
    previous = token
  return np.array(rows)


def test_probabilities_sum_to_one(tiny, every_sequence):
  log_probs = jax.jit(tiny.log_probs)(every_sequence)
  assert log_probs.shape == (V**T, T, V) and log_probs.dtype == jnp.float32
  np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1, atol=1e-5)
  total = np.exp(_chosen(log_probs, every_sequence).sum(-1)).sum()
  np.testing.assert_allclose(total, 1, atol=1e-5)


def test_log_probs_equal_a_naive_loop(tiny):
  params = oracle_lib.draw_params(3, V, DIM)
  tokens = np.random.RandomState(0).randint(0, V, (4, T)).astype(np.int32)
  expected = np.stack([_naive(params, row) for row in tokens])
  np.testing.assert_allclose(tiny.log_probs(tokens), expected, atol=1e-5)


def test_sample_frequencies_match_the_probabilities(tiny, every_sequence):
  n = 200_000
  samples = tiny.sample(np.random.RandomState(1), n)
  assert samples.dtype == np.int32 and samples.shape == (n, T)
  probs = np.exp(_chosen(tiny.log_probs(every_sequence), every_sequence).sum(1))
  powers = V ** np.arange(T)[::-1]
  counts = np.bincount(samples @ powers, minlength=V**T)
  frequent = n * probs > 5
  # Pearson's statistic; the rare sequences form one class.
  seen = np.append(counts[frequent], counts[~frequent].sum())
  hoped = n * np.append(probs[frequent], probs[~frequent].sum())
  statistic = ((seen - hoped) ** 2 / hoped).sum()
  freedom = len(seen) - 1
  assert freedom > 1000
  assert abs(statistic - freedom) < 4 * (2 * freedom) ** 0.5


def test_rows_do_not_depend_on_how_many_are_drawn(tiny, monkeypatch):
  many = tiny.sample(np.random.RandomState(5), 50)
  monkeypatch.setattr(oracle_lib, 'MAX_CHUNK', 3 * V)
  few = tiny.sample(np.random.RandomState(5), 10)
  np.testing.assert_array_equal(many[:10], few)


def test_draws_are_pinned():
  default = oracle_lib.lstm_oracle()
  draw = default.sample(np.random.RandomState(0), 100)
  assert (
    array_sha256(draw)
    == '784a788b93839edb8296f69b010cf4b8e6e7a710e710c381ba416c46e9336148'
  )
  small = load_oracle(vocab_size=500, train_size=200, test_size=100, seed=1)
  assert (
    small.record['train_sha256']
    == '1010c0ab00fc7f64b5063df29695ab1875b7a8c7650b482be46f892db306b520'
  )
  assert (
    small.record['test_sha256']
    == '36420c2022454e77d472d2fc89fd1e2aa3871dbee189e6f5ae99b308adee6b64'
  )


def _entropy(oracle, n):
  """Estimates the entropy in nats per token from n samples."""

  @jax.jit
  def surprise(tokens):
    log_probs = oracle.log_probs(tokens)
    return -jnp.take_along_axis(log_probs, tokens[..., None], -1).mean()

  samples = oracle.sample(np.random.RandomState(2), n)
  return np.mean([surprise(part) for part in np.split(samples, n // 100)])


def test_entropy_of_the_default_draw():
  # Random oracles lie in 5.83-6.10 and ours at 5.962; standard error .026.
  assert abs(_entropy(oracle_lib.lstm_oracle(), 400) - 5.962) < 0.08
  small = oracle_lib.lstm_oracle(vocab_size=500)
  assert abs(_entropy(small, 1000) - 3.974) < 0.05


@pytest.mark.parametrize(('length', 'entropy'), [(20, 5.744), (40, 5.722)])
def test_entropy_of_seqgans_parameters(length, entropy):
  folder = os.environ.get('MOEGAN_DATA_DIR', '')
  file = pathlib.Path(folder).parent / 'oracle_seqgan.npz'
  if not folder or not file.is_file():
    pytest.skip('no oracle_seqgan.npz beside the folder of MOEGAN_DATA_DIR')
  oracle = oracle_lib.lstm_oracle(length=length, file=str(file))
  assert abs(_entropy(oracle, 600) - entropy) < 0.07


def test_saved_parameters_give_the_same_oracle(tiny, tmp_path):
  file = tmp_path / 'oracle.npz'
  np.savez(file, **oracle_lib.draw_params(3, V, DIM))
  loaded = oracle_lib.lstm_oracle(
    vocab_size=V, length=T, dim=DIM, file=str(file)
  )
  tokens = tiny.sample(np.random.RandomState(0), 3)
  np.testing.assert_array_equal(
    loaded.log_probs(tokens), tiny.log_probs(tokens)
  )
  with pytest.raises(UserError, match=r"'embedding' has shape \(7, 4\)"):
    oracle_lib.lstm_oracle(vocab_size=8, length=T, dim=DIM, file=str(file))


@pytest.mark.parametrize(
  ('damage', 'message'),
  [
    ('absent', 'does not exist'),
    ('text', 'no readable .npz'),
    ('empty', 'no readable .npz'),
    ('cut', 'no readable .npz'),
    ('flipped', 'no readable .npz'),
    ('npy', 'no readable .npz'),
    ('pickled', 'no readable .npz'),
    ('missing', "'wog' is missing"),
    ('shape', "'bf' has shape (3,), expected (4,)"),
    ('nan', "'bo' must hold finite"),
    ('strings', "'bo' must hold finite"),
  ],
)
def test_bad_files_are_reported_in_one_line(tmp_path, damage, message):
  file = tmp_path / 'bad.npz'
  params = oracle_lib.draw_params(0, V, DIM)
  replaced = {
    'shape': ('bf', np.zeros(3)),
    'nan': ('bo', np.full(V, np.nan)),
    'strings': ('bo', np.array(['x'] * V)),
    'pickled': ('wi', np.array([{}], object)),
  }
  params.update([replaced[damage]] if damage in replaced else [])
  if damage == 'missing':
    del params['wog']
  np.savez(file, **params)
  whole = file.read_bytes()
  if damage == 'absent':
    file.unlink()
  elif damage == 'text':
    file.write_text('not an archive')
  elif damage == 'empty':
    file.write_bytes(b'')
  elif damage == 'cut':
    file.write_bytes(whole[: len(whole) // 2])
  elif damage == 'flipped':
    file.write_bytes(whole[:200] + bytes([whole[200] ^ 255]) + whole[201:])
  elif damage == 'npy':
    with open(file, 'wb') as handle:
      np.save(handle, np.zeros(3))
  with pytest.raises(UserError, match=re.escape(message)) as caught:
    oracle_lib.lstm_oracle(vocab_size=V, length=T, dim=DIM, file=str(file))
  assert str(file) in str(caught.value)
  assert '\n' not in str(caught.value)


def test_corpus_of_the_oracle():
  corpus = load_oracle(
    vocab_size=V,
    length=T,
    dim=DIM,
    train_size=40,
    test_size=10,
    valid_share=0.1,
  )
  assert corpus.train.shape == (36, T) and corpus.valid.shape == (4, T)
  assert corpus.test.shape == (10, T) and corpus.pad is None
  assert corpus.oracle.grammatical is None
  np.testing.assert_array_equal(corpus.encode(corpus.train_words), corpus.train)
  assert corpus.text(corpus.test[:1])[0].split() == corpus.test_words[0]


@pytest.mark.parametrize(
  'bad',
  [{'train_size': 1}, {'test_size': 0}, {'valid_share': 1}, {'vocab_size': 1}],
)
def test_bad_sizes_are_refused(bad):
  with pytest.raises(UserError):
    load_oracle(**bad)
