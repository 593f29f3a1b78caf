"""A discriminator that is a language model (DPGAN)."""

import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.losses.diversity import text_mean
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.ops.ends import end_mask
from moegan_jax.types import Critique, Discriminator, Generator


def language_critic(
  model: Generator, pad: int | None, unroll: int = 1
) -> Discriminator:
  """Builds a discriminator from a language model.

  Args:
    model: the language model
    pad: the end symbol, see `ops.ends.end_mask`
    unroll: see `ops.devices.unroll`

  Returns:
    A Discriminator that reads tokens only. `aux` of its critique has the
    surprisals -log D(y_t | y_<t) in nats, [B, T], which are 0 after the end of
    a text and for unknown words. Its logits [B] are the means over the other
    positions. Features [B, 1, H] are the means of the hidden outputs there.
  """

  def embed(params, tokens):
    del params
    # A language model predicts the tokens, so `judge` needs them.
    return tokens

  def judge(params, tokens, key):
    del key  # no dropout
    hidden = decode.replay(model, params, tokens, unroll=unroll)
    is_known = tokens < model.vocab_size
    counted = end_mask(tokens, pad) & is_known
    log_probs = log_likelihood(
      model.readout(params, hidden), jnp.where(is_known, tokens, 0)
    )
    words = jnp.where(counted, -log_probs, 0)
    features = text_mean(hidden, counted)[:, None]
    return Critique(text_mean(words, counted), features, aux=words)

  def gram(params):
    raise ValueError('a language model has no gradient in its tokens')

  return Discriminator(model.init, embed, judge, gram)
