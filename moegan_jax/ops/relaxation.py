"""From logits to tokens, and to relaxed tokens that carry a gradient.

Two different scalings live here; they are never mixed. A temperature divides
logits and is for sampling and evaluation. An inverse temperature beta
multiplies the noisy logits of the relaxation and is for training.
"""

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.ops.arrays import traced

Array = jax.Array

# The logit of an excluded word: no probability, and no infinite gradient.
_EXCLUDED = -1e9


def first_argmax(x: Array) -> Array:
  """int32 [...], the first index of the maximum over the last axis.

  The same as `jnp.argmax`, through two plain reductions, which XLA's CPU
  backend vectorises while it does not vectorise an argmax.
  """
  top = jnp.max(x, axis=-1, keepdims=True)
  # A fixed-width iota that broadcasts: rank promotion is never implicit.
  index = jax.lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)
  return jnp.min(jnp.where(x == top, index, x.shape[-1] - 1), axis=-1)


def gumbel_max(logits: Array, noise: Array) -> Array:
  """An exact categorical sample: argmax(logits + g), MoEGAN Eq 4.

  Args:
    logits: [..., V]
    noise: [..., V], standard Gumbel

  Returns:
    int32 [...].
  """
  return first_argmax(logits + noise)


def gumbel_softmax(logits: Array, noise: Array, beta: Array | float) -> Array:
  """The relaxation of Eq 5: softmax(beta (logits + g)), [..., V].

  log-probabilities and logits differ by a constant a row, which the softmax
  forgets: so the log-softmax of the equation is left out.
  """
  return jax.nn.softmax(beta * (logits + noise), axis=-1)


def soft_argmax(logits: Array, beta: Array | float) -> Array:
  """softmax(beta logits), [..., V]: a relaxed argmax without any noise.

  The relaxation of TextGAN (Zhang et al. 2017), whose sentences differ by
  their latent vector only; beta is its L.
  """
  return jax.nn.softmax(beta * logits, axis=-1)


def truncate(
  logits: Array, top_k: Array | int = 0, top_p: Array | float = 1.0
) -> Array:
  """Logits of the likeliest words, and -1e9 for all others.

  top_k keeps the k words of the largest logits. top_p keeps the smallest set
  of likeliest words whose probability together is at least p, the nucleus of
  Holtzman et al. 2020; the word that crosses p is one of them, so at least one
  word stays. With both, the nucleus is that of the k words' distribution.

  Among equal logits the first ones are the likelier, so that k words are k
  also in a tie. Sums of probabilities are those of float32.

  Either may be a traced array: then nothing is checked, and a program in which
  both leave the words whole does not sort them.

  A temperature divides the logits before. The gradient of a word that stays
  is one, of the others zero.

  Args:
    logits: [..., V]
    top_k: how many words stay; 0 and V or more: all
    top_p: the probability that stays, in (0, 1]; 1: all

  Returns:
    [..., V].

  Raises:
    UserError: a negative top_k, or a top_p out of range.
  """
  check_truncation(top_k, top_p)
  if traced(top_k) or traced(top_p):
    return jax.lax.cond(
      (top_k > 0) | (top_p < 1),
      _truncate,
      lambda x, k, p: x,
      logits,
      top_k,
      top_p,
    )
  if not 0 < top_k < logits.shape[-1] and top_p == 1:
    return logits
  return _truncate(logits, top_k, top_p)


def check_truncation(top_k: Array | int, top_p: Array | float) -> None:
  """Raises UserError for settings of `truncate` that are out of range."""
  if not traced(top_k) and top_k < 0:
    raise UserError(f'top_k={top_k} must not be negative; 0 keeps all words')
  if not traced(top_p) and not 0 < top_p <= 1:
    raise UserError(f'top_p={top_p} must be in (0, 1]; 1 keeps all words')


def _truncate(logits: Array, top_k: Array | int, top_p: Array | float) -> Array:
  """`truncate` by sorting, whatever the settings."""
  fixed = jax.lax.stop_gradient(logits)
  order = jnp.argsort(fixed, axis=-1, stable=True, descending=True)
  ranked = jnp.take_along_axis(fixed, order, axis=-1)
  rank = jax.lax.broadcasted_iota(jnp.int32, logits.shape, logits.ndim - 1)
  stays = (rank < top_k) | jnp.equal(top_k, 0)
  p = jax.nn.softmax(jnp.where(stays, ranked, _EXCLUDED), axis=-1)
  # Of the words before this one; a difference of sums would round.
  before = jnp.cumsum(p, axis=-1)[..., :-1]
  before = jnp.concatenate([jnp.zeros_like(p[..., :1]), before], axis=-1)
  # Sums may reach one early, where p = 1 has to keep all the same.
  stays &= (before < top_p) | jnp.equal(top_p, 1)
  place = jnp.argsort(order, axis=-1)
  stays = jnp.take_along_axis(stays, place, axis=-1)
  return jnp.where(stays, logits, _EXCLUDED)


def straight_through(relaxed: Array) -> Array:
  """The hard one-hot row forward, the relaxed row's gradient backward.

  The estimator of Bengio et al. 2013 on Gumbel-Softmax rows (Jang et al.
  2017). relaxed: [..., V].
  """
  hard = jax.nn.one_hot(
    first_argmax(relaxed), relaxed.shape[-1], dtype=relaxed.dtype
  )
  # relaxed - stop_gradient(relaxed) is zero; only its gradient is wanted.
  return hard + (relaxed - jax.lax.stop_gradient(relaxed))
