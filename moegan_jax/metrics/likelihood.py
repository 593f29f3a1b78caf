"""Negative log-likelihood of text under a generator (NLL_gen).

There are two normalisations:
  per position: all T positions count, including padding, as in the code of
    SeqGAN, Texygen and RelGAN.
  per token: words and the first end symbol count. A sentence of length T has
    no end symbol.
Tokens 0 .. V - 1 can be generated; V is the start symbol, and V + 1 (unk) is
any out-of-vocabulary word. The model assigns no probability to unk, so both
normalisations skip it as a target, and its share is reported.

Terms are per row: a caller processes a corpus in chunks, concatenates the rows
and divides once.
"""

from collections.abc import Mapping

import chex
import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.ops.ends import end_mask
from moegan_jax.types import Array


def token_log_probs(logits: Array, tokens: Array) -> Array:
  """Computes log p(token_t | tokens before t), in nats.

  Args:
    logits: [n, T, V], already divided by the temperature.
    tokens: int32 [n, T].

  Returns:
    [n, T]; 0 for targets of V and above (unk).
  """
  chex.assert_rank([logits, tokens], [3, 2])
  chex.assert_equal_shape_prefix([logits, tokens], 2)
  vocab_size = logits.shape[-1]
  index = jnp.minimum(tokens, vocab_size - 1)[..., None]
  chosen = jnp.take_along_axis(logits, index, axis=-1)[..., 0]
  # Gathering first avoids an [n, T, V] array of log-probabilities.
  log_probs = chosen - jax.nn.logsumexp(logits, axis=-1)
  return jnp.where(tokens < vocab_size, log_probs, 0.0)


def pads_after_end(tokens: np.ndarray, pad: int) -> float:
  """Computes the share of pads among all positions after the first pad.

  The share is 1 in real text. Text is cut at its first pad, so measures of
  text do not see tokens after it, but NLL per position does.

  Args:
    tokens: int32 [n, T], samples that are not cut at the first pad.
    pad: the pad and end symbol.

  Returns:
    The share, or NaN if no row has a position after its first pad.
  """
  after = tokens[~np.asarray(end_mask(tokens, pad))]
  return float(np.mean(after == pad)) if after.size else float('nan')


def nll_terms(
  log_probs: Array, tokens: Array, *, pad: int | None, vocab_size: int
) -> dict[str, Array]:
  """Computes the terms of `nll`, one number per row.

  Args:
    log_probs: [n, T], of token_log_probs, in nats.
    tokens: int32 [n, T].
    pad: the pad and end symbol, or None for sequences of fixed length.
    vocab_size: V; targets of V and above are skipped.

  Returns:
    [n] each: loss and count over all positions; loss_token and count_token
    over words and the first end symbol; skipped, the number of unk among them.
  """
  chex.assert_equal_shape([log_probs, tokens])
  known = tokens < vocab_size
  real = end_mask(tokens, pad)
  loss = jnp.where(known, -log_probs, 0.0)
  return {
    'loss': loss.sum(1),
    'count': known.sum(1),
    'loss_token': jnp.where(real, loss, 0.0).sum(1),
    'count_token': (real & known).sum(1),
    'skipped': (real & ~known).sum(1),
  }


def nll(terms: Mapping[str, Array | np.ndarray]) -> dict[str, np.ndarray]:
  """Aggregates the rows of `nll_terms`.

  Args:
    terms: [..., n] each, of one chunk or of several concatenated chunks.
      Leading axes, such as seeds, are kept.

  Returns:
    [...] each: nll (per position) and nll_token (per token), in nats; skipped,
    the share of unk among words and first end symbols. NaN if nothing counts.
  """
  total = {k: np.asarray(v).sum(-1, dtype=np.float64) for k, v in terms.items()}
  real = total['count_token'] + total['skipped']
  with np.errstate(divide='ignore', invalid='ignore'):
    return {
      'nll': total['loss'] / total['count'],
      'nll_token': total['loss_token'] / total['count_token'],
      'skipped': total['skipped'] / real,
    }
