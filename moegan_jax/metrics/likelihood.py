"""Negative log-likelihood of text under a generator (NLL_gen).

Two normalisations, because papers and users mean different ones:
  per position: all T positions count, padding included. What the code of
    SeqGAN, Texygen and RelGAN computes.
  per real token: words and the first end symbol count. A sentence of length
    T has no end symbol.
Tokens: 0 .. V - 1 can be generated; V is the start symbol and V + 1 (unk)
stands for a word that the vocabulary lacks. The model gives such a target no
probability at all, so it is skipped in both, and the share is reported.

Sums come per row, so that a caller goes through a corpus in chunks,
concatenates the rows and divides once.
"""

from collections.abc import Mapping

import chex
import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.ops.ends import end_mask
from moegan_jax.types import Array


def token_log_probs(logits: Array, tokens: Array) -> Array:
  """log p(token_t | tokens before t), in nats.

  Args:
    logits: [n, T, V]; a temperature divides them before they come here.
    tokens: int32 [n, T].

  Returns:
    [n, T]; 0 where the target is not among the V (unk).
  """
  chex.assert_rank([logits, tokens], [3, 2])
  chex.assert_equal_shape_prefix([logits, tokens], 2)
  vocab_size = logits.shape[-1]
  index = jnp.minimum(tokens, vocab_size - 1)[..., None]
  chosen = jnp.take_along_axis(logits, index, axis=-1)[..., 0]
  # The gather first: no [n, T, V] array of log-probabilities is needed.
  log_probs = chosen - jax.nn.logsumexp(logits, axis=-1)
  return jnp.where(tokens < vocab_size, log_probs, 0.0)


def pads_after_end(tokens: np.ndarray, pad: int) -> float:
  """The share of pads among all positions after the first pad of a row.

  1 in real text. Text is cut at its first pad, so a generator that resumes
  writing afterwards shows in no measure of text, but in NLL a position.

  Args:
    tokens: int32 [n, T], samples that are not cut.

  Returns:
    NaN if no row has a position after its first pad.
  """
  after = tokens[~np.asarray(end_mask(tokens, pad))]
  return float(np.mean(after == pad)) if after.size else float('nan')


def nll_terms(
  log_probs: Array, tokens: Array, *, pad: int | None, vocab_size: int
) -> dict[str, Array]:
  """What `nll` adds up, one number a row.

  Args:
    log_probs: [n, T], of token_log_probs.
    tokens: int32 [n, T].
    pad: the pad and end symbol, or None for sequences of fixed length.
    vocab_size: V; targets of V and above are skipped.

  Returns:
    [n] each: loss and count over all positions, loss_token and count_token
    over real tokens, skipped: how many real tokens were unknown.
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


def nll(terms: Mapping[str, Array]) -> dict[str, np.ndarray]:
  """Aggregates the rows of `nll_terms`; any leading axis (seeds) is kept.

  Args:
    terms: [..., n] each, of one chunk or of many concatenated.

  Returns:
    [...] each: nll (per position), nll_token (per real token), in nats;
    skipped: unknown / all real tokens. NaN where nothing counts.
  """
  total = {k: np.asarray(v).sum(-1, dtype=np.float64) for k, v in terms.items()}
  real = total['count_token'] + total['skipped']
  with np.errstate(divide='ignore', invalid='ignore'):
    return {
      'nll': total['loss'] / total['count'],
      'nll_token': total['loss_token'] / total['count_token'],
      'skipped': total['skipped'] / real,
    }
