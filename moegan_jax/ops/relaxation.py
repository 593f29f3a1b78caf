"""Maps from logits to tokens, and to relaxed tokens that carry a gradient.

The library uses two scalings and never mixes them. A temperature divides the
logits, for sampling and evaluation. An inverse temperature beta multiplies the
noisy logits of the relaxation, for training.
"""

import math

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.ops.arrays import traced

Array = jax.Array

# Logit of an excluded word. It gives probability zero and finite gradients.
_EXCLUDED = -1e9


def first_argmax(x: Array) -> Array:
  """Returns the first index of the maximum over the last axis.

  Args:
    x: [..., V]

  Returns:
    int32 [...].

  It equals `jnp.argmax` but uses two plain reductions. XLA's CPU backend
  vectorises those and does not vectorise an argmax.
  """
  top = jnp.max(x, axis=-1, keepdims=True)
  # An iota of full shape, because implicit rank promotion is not allowed.
  index = jax.lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)
  return jnp.min(jnp.where(x == top, index, x.shape[-1] - 1), axis=-1)


def gumbel_max(logits: Array, noise: Array) -> Array:
  """Draws an exact categorical sample, argmax(logits + g) (MoEGAN Eq 4).

  Args:
    logits: [..., V]
    noise: [..., V], standard Gumbel noise g

  Returns:
    int32 [...].
  """
  return first_argmax(logits + noise)


def inverse_cdf(logits: Array, u: Array) -> Array:
  """Draws a categorical sample, the first word whose cumulated share exceeds u.

  Args:
    logits: [..., V]
    u: [...], uniform in [0, 1)

  Returns:
    int32 [...].

  One random number per sample in place of V: on a CPU several times faster than
  `gumbel_max`. The words are divided into about sqrt(V) blocks of about sqrt(V)
  words. The first search finds the block and the second one the word, each by
  a product with a triangular matrix.
  """
  vocab = logits.shape[-1]
  width = math.isqrt(vocab - 1) + 1
  count = -(-vocab // width)
  p = jnp.exp(logits - jnp.max(logits, axis=-1, keepdims=True))
  rest = [(0, 0)] * (p.ndim - 1) + [(0, count * width - vocab)]
  blocks = jnp.pad(p, rest).reshape(*p.shape[:-1], count, width)

  def search(masses, target):
    """Returns the first index whose cumulated mass exceeds the target.

    Beside it, returns the mass before this index.
    """
    size = masses.shape[-1]
    upper = jnp.triu(jnp.ones((size, size), masses.dtype))
    cumulated = jnp.matmul(masses, upper, precision='highest')
    found = jnp.sum(cumulated <= target[..., None], axis=-1)
    # Rounding may let the target reach the sum. The last word with a positive
    # mass is the first one at which the sum is complete.
    last = jnp.sum(cumulated < cumulated[..., -1:], axis=-1)
    index = jnp.minimum(found, last)
    place = jax.lax.broadcasted_iota(
      jnp.int32, cumulated.shape, cumulated.ndim - 1
    )
    previous = place == index[..., None] - 1
    return index, jnp.where(previous, cumulated, 0).sum(-1)

  masses = blocks.sum(-1)
  target = u * masses.sum(-1)
  block, before = search(masses, target)
  own = jnp.take_along_axis(blocks, block[..., None, None], axis=-2)[..., 0, :]
  word, _ = search(own, target - before)
  return (block * width + word).astype(jnp.int32)


def gumbel_softmax(logits: Array, noise: Array, beta: Array | float) -> Array:
  """Returns the relaxed sample softmax(beta (logits + g)) (MoEGAN Eq 5).

  Args:
    logits: [..., V]
    noise: [..., V], standard Gumbel noise g
    beta: inverse temperature

  Returns:
    [..., V]; rows sum to one.

  Eq 5 uses log-probabilities. They differ from the logits by a constant per
  row, which does not change the softmax.
  """
  return jax.nn.softmax(beta * (logits + noise), axis=-1)


def soft_argmax(logits: Array, beta: Array | float) -> Array:
  """Returns softmax(beta logits), a relaxed argmax without noise.

  Args:
    logits: [..., V]
    beta: inverse temperature, called L in TextGAN

  Returns:
    [..., V]; rows sum to one.

  The relaxation of TextGAN (Zhang et al. 2017). Its sentences differ only by
  their latent vector.
  """
  return jax.nn.softmax(beta * logits, axis=-1)


def truncate(
  logits: Array, top_k: Array | int = 0, top_p: Array | float = 1.0
) -> Array:
  """Keeps the logits of the most likely words and sets all others to -1e9.

  Args:
    logits: [..., V], after division by the temperature
    top_k: number of words to keep; 0, or V and more, keeps all
    top_p: probability to keep, in (0, 1]; 1 keeps all

  Returns:
    [..., V]. The gradient is one for a kept word and zero for the others.

  Raises:
    UserError: top_k is negative, or top_p is out of range.

  top_k keeps the k words with the largest logits. top_p keeps the nucleus of
  Holtzman et al. 2020: the smallest set of most likely words whose probability
  is at least p. It includes the word that crosses p, so at least one word
  stays. With both, the nucleus is computed from the distribution over the k
  words. In a tie the first words win, so exactly k words stay. Probabilities
  are summed in float32.

  Both settings may be traced arrays. They are then not checked, and the program
  skips the sort at run time if they keep all words.
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
  """Checks the settings of `truncate`; traced values pass.

  Raises:
    UserError: top_k is negative, or top_p is out of range.
  """
  if not traced(top_k) and top_k < 0:
    raise UserError(f'top_k={top_k} must not be negative; 0 keeps all words')
  if not traced(top_p) and not 0 < top_p <= 1:
    raise UserError(f'top_p={top_p} must be in (0, 1]; 1 keeps all words')


def _truncate(logits: Array, top_k: Array | int, top_p: Array | float) -> Array:
  """Implements `truncate` by sorting, for all settings."""
  fixed = jax.lax.stop_gradient(logits)
  order = jnp.argsort(fixed, axis=-1, stable=True, descending=True)
  ranked = jnp.take_along_axis(fixed, order, axis=-1)
  rank = jax.lax.broadcasted_iota(jnp.int32, logits.shape, logits.ndim - 1)
  stays = (rank < top_k) | jnp.equal(top_k, 0)
  p = jax.nn.softmax(jnp.where(stays, ranked, _EXCLUDED), axis=-1)
  # Probability of the words before this one. It is a shifted sum, because
  # subtracting p from the inclusive sum would round.
  before = jnp.cumsum(p, axis=-1)[..., :-1]
  before = jnp.concatenate([jnp.zeros_like(p[..., :1]), before], axis=-1)
  # Rounded sums may reach one early, but p = 1 has to keep all words.
  stays &= (before < top_p) | jnp.equal(top_p, 1)
  place = jnp.argsort(order, axis=-1)
  stays = jnp.take_along_axis(stays, place, axis=-1)
  return jnp.where(stays, logits, _EXCLUDED)


def straight_through(relaxed: Array) -> Array:
  """Returns hard one-hot rows that pass their gradient to the relaxed rows.

  Args:
    relaxed: [..., V]

  Returns:
    [..., V], one-hot at the first maximum.

  The straight-through estimator of Bengio et al. 2013, applied to
  Gumbel-Softmax rows (Jang et al. 2017).
  """
  hard = jax.nn.one_hot(
    first_argmax(relaxed), relaxed.shape[-1], dtype=relaxed.dtype
  )
  # The difference is zero and contributes only its gradient.
  return hard + (relaxed - jax.lax.stop_gradient(relaxed))
