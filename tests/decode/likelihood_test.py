"""Tests generators with latent noise and their likelihood."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from decoding import (
  INIT,
  OTHER_ROWS,
  ROWS,
  TOKENS,
  B,
  T,
  V,
  noisy,
)

from moegan_jax import decode
from moegan_jax.nets import gated
from moegan_jax.nets.recurrent import recurrent
from moegan_jax.ops import random

NOISY_START = recurrent(
  gated.gru(width=4, init=INIT), vocab_size=V, embed_dim=3, init=INIT, latent=2
)


class LatentTest(chex.TestCase):
  def test_latent_noise_comes_from_the_row_key(self):
    params = noisy(NOISY_START)

    def run(rows, **settings):
      return decode.sample(NOISY_START, params, rows, length=T, **settings)

    whole, part = run(ROWS), run(ROWS[1:3])
    np.testing.assert_array_equal(whole.tokens[1:3], part.tokens)
    given = run(ROWS, context=NOISY_START.latent(ROWS))
    np.testing.assert_array_equal(whole.tokens, given.tokens)
    other = run(ROWS, context=NOISY_START.latent(OTHER_ROWS))
    self.assertGreater(abs(whole.hidden[:, 0] - other.hidden[:, 0]).max(), 0.01)

  def test_marginal_likelihood_averages_over_the_noise(self):
    """Compares with the definition per sentence, in double precision."""
    params, draws, heat = noisy(NOISY_START), 3, 0.7
    tokens = TOKENS.at[0, 1].set(V + 1)  # an unknown word
    found = decode.marginal(NOISY_START, params, tokens, heat, draws=draws)
    key = jax.random.fold_in(jax.random.key(0), 2**31 - 1)
    latents = NOISY_START.latent(random.row_keys(key, draws))
    each = []
    for z in latents:
      context = jnp.broadcast_to(z, (B, 2))
      logits = decode.teacher_force(
        NOISY_START, params, tokens, context=context
      )
      each.append(np.asarray(logits, np.float64) / heat)
    p = [np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in each]
    for row in range(B):
      before = np.ones(draws)  # p(x_<t | z_k)
      for t in range(T):
        joint = sum(b * q[row, t] for b, q in zip(before, p))
        expected = np.log(joint / before.sum())
        np.testing.assert_allclose(found[row, t], expected, atol=1e-4)
        word = int(tokens[row, t])
        if word < V:
          before = np.array([b * q[row, t, word] for b, q in zip(before, p)])

  def test_marginal_likelihood_requires_noise(self):
    silent = NOISY_START._replace(latent=None)
    with self.assertRaisesRegex(ValueError, 'no latent noise'):
      decode.marginal(silent, noisy(NOISY_START), TOKENS, draws=3)

  def test_likelihood_of_samples_lies_between_bounds(self):
    """Too low without the samples' own noise, too high with it."""
    params = jax.tree.map(lambda x: 4 * x, noisy(NOISY_START))
    rows = random.row_keys(jax.random.key(5), 400)
    tokens = decode.sample(NOISY_START, params, rows, length=T).tokens

    @functools.partial(jax.jit, static_argnums=0)
    def terms(draws, own):
      logits = decode.marginal(
        NOISY_START, params, tokens, draws=draws, own=own
      )
      return jnp.take_along_axis(logits, tokens[..., None], -1).sum((1, 2))

    low, high = terms(3, None), terms(3, rows)
    near = (terms(200, None) + terms(200, rows)) / 2
    for gap in (near - low, high - near):
      self.assertGreater(gap.mean(), 5 * gap.std() / 400**0.5)
    closer = terms(30, rows)
    self.assertLess(abs(closer - near).mean(), abs(high - near).mean() / 2)
