"""From logits to tokens, and to relaxed tokens that carry a gradient.

Two different scalings live here; they are never mixed. A temperature divides
logits and is for sampling and evaluation. An inverse temperature beta
multiplies the noisy logits of the relaxation and is for training.
"""

import jax
import jax.numpy as jnp

Array = jax.Array


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
