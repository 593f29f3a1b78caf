"""Tests completions of prefixes and the returns estimated from them."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized
from decoding import (
  INIT,
  LSTM,
  MODELS,
  OTHER_ROWS,
  PARAMS,
  ROWS,
  B,
  T,
  noisy,
)

from moegan_jax import decode
from moegan_jax.nets import gated
from moegan_jax.nets.recurrent import recurrent

N = 3
# Three words, so that all sequences of three tokens can be enumerated.
SMALL = recurrent(
  gated.lstm(width=4, init=INIT), vocab_size=3, embed_dim=3, init=INIT
)


def sampled(model, params, length=T, rows=ROWS):
  return decode.sample(model, params, rows, length=length, states=True)


class CompleteTest(chex.TestCase):
  @parameterized.product(name=list(MODELS), length=(5, 6))
  def test_completions_equal_sampling_with_given_prefixes(self, name, length):
    model = MODELS[name]
    params = noisy(model)
    drawn = sampled(model, params, length)
    keys = decode.rollout_keys(OTHER_ROWS, length, N)
    got = decode.complete(model, params, drawn, keys, temperature=0.9)
    self.assertEqual(got.shape, (length - 1, N, B, length))
    one = jax.jit(
      lambda rows, given: (
        decode.sample(
          model,
          params,
          rows,
          length=length,
          temperature=0.9,
          prefix=drawn.tokens,
          given=given,
          choose=decode.by_inversion,
        ).tokens
      )
    )
    for t, i in itertools.product(range(1, length), range(N)):
      given = jnp.broadcast_to(jnp.arange(length) < t, (B, length))
      want = one(keys[t - 1, i], given)
      np.testing.assert_array_equal(got[t - 1, i], want, err_msg=f'{t}, {i}')

  @parameterized.parameters(1, 2)
  def test_short_sequences(self, length):
    drawn = sampled(LSTM, PARAMS, length)
    keys = decode.rollout_keys(OTHER_ROWS, length, N)
    got = decode.complete(LSTM, PARAMS, drawn, keys)
    self.assertEqual(got.shape, (length - 1, N, B, length))
    for given in got[:1]:
      np.testing.assert_array_equal(
        given[..., 0], np.tile(drawn.tokens[:, 0], (N, 1))
      )

  def test_a_completion_depends_on_its_row_only(self):
    keys = decode.rollout_keys(OTHER_ROWS, T, N)
    got = decode.complete(LSTM, PARAMS, sampled(LSTM, PARAMS), keys)
    few = sampled(LSTM, PARAMS, rows=ROWS[1:3])
    own = decode.rollout_keys(OTHER_ROWS[1:3], T, N)
    np.testing.assert_array_equal(own, keys[:, :, 1:3])
    alone = decode.complete(LSTM, PARAMS, few, own)
    np.testing.assert_array_equal(alone, got[:, :, 1:3])
    self.assertEqual(len(np.unique(keys.reshape(-1, 2), axis=0)), 4 * N * B)

  @parameterized.parameters((2, 5), (2, 6), (3, 5), (4, 9), (6, 6))
  def test_completions_of_some_prefixes_equal_those_of_all(self, every, length):
    drawn = sampled(LSTM, PARAMS, length)
    keys = decode.rollout_keys(OTHER_ROWS, length, N)
    whole = decode.complete(LSTM, PARAMS, drawn, keys)
    got = decode.complete(
      LSTM, PARAMS, drawn, keys[every - 1 :: every], every=every
    )
    np.testing.assert_array_equal(got, whole[every - 1 :: every])


class ReturnsTest(chex.TestCase):
  @parameterized.parameters(2, 3, 7)
  def test_returns_of_prefixes_between_are_those_of_the_last_one(self, every):
    drawn = sampled(LSTM, PARAMS)

    def score(tokens):
      return jnp.sin(tokens * jnp.arange(1, T + 1)[None]).sum(1)

    whole, few = (
      decode.returns(
        LSTM, PARAMS, drawn, OTHER_ROWS, score, rollouts=2, chunk=1, every=c
      )
      for c in (1, every)
    )
    for t in range(1, T + 1):
      multiple = max(t // every, 1) * every
      at = T if t == T or multiple >= T else multiple
      np.testing.assert_allclose(few[:, t - 1], whole[:, at - 1], rtol=1e-6)

  def test_mean_is_the_expected_score_of_each_prefix(self):
    """Compares with the sum over all 3^3 sequences."""
    length, n = 3, 20_000
    params = noisy(SMALL)
    everything = np.array([*itertools.product(range(3), repeat=length)])
    table = jnp.asarray(np.random.RandomState(3).randn(3, 3, 3), jnp.float32)

    def score(tokens):
      return table[tokens[:, 0], tokens[:, 1], tokens[:, 2]]

    logits = decode.teacher_force(SMALL, params, jnp.asarray(everything))
    each = jax.nn.log_softmax(logits)
    each = jnp.take_along_axis(each, everything[..., None], -1)[..., 0]
    p, values = np.exp(each.sum(1)), np.asarray(score(everything))
    drawn = sampled(SMALL, params, length)
    got = decode.returns(
      SMALL, params, drawn, OTHER_ROWS, score, rollouts=n, chunk=n // 4
    )
    for b, tokens in enumerate(np.asarray(drawn.tokens)):
      for t in range(length):
        same = (everything[:, : t + 1] == tokens[: t + 1]).all(1)
        weights = p[same] / p[same].sum()
        mean = weights @ values[same]
        error = np.sqrt(weights @ (values[same] - mean) ** 2 / n)
        self.assertLessEqual(abs(got[b, t] - mean), 4 * error + 1e-6)

  def test_chunks_do_not_change_the_returns(self):
    drawn = sampled(LSTM, PARAMS)

    def score(tokens):
      return jnp.sin(tokens * jnp.arange(1, T + 1)[None]).sum(1)

    one, three = (
      decode.returns(
        LSTM, PARAMS, drawn, OTHER_ROWS, score, rollouts=3, chunk=chunk
      )
      for chunk in (1, 3)
    )
    np.testing.assert_allclose(one, three, rtol=1e-6)
    np.testing.assert_allclose(one[:, -1], score(drawn.tokens), rtol=1e-6)
