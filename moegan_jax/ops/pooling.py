"""Convolution over time followed by the maximum over time."""

import jax
import jax.numpy as jnp

from moegan_jax.ops.relaxation import first_argmax

Array = jax.Array


def _windows(x: Array, width: int) -> Array:
  """[n, T, E] -> [n, T - width + 1, width * E]."""
  positions = x.shape[1] - width + 1
  return jnp.concatenate(
    [x[:, j : j + positions] for j in range(width)], axis=-1
  )


def _scores(x: Array, kernel: Array) -> Array:
  width, channels, filters = kernel.shape
  flat = kernel.reshape(width * channels, filters)
  return _windows(x, width) @ flat


@jax.custom_vjp
def max_convolution(x: Array, kernel: Array) -> Array:
  """max over t of (x * kernel)[t], the pooled features of Kim 2014.

  Args:
    x: [n, T, E]
    kernel: [width, E, filters], no padding; T >= width

  Returns:
    [n, filters]. A bias and a ReLU, both constant over time and monotone,
    may come after the maximum just as well as before.

  The gradient flows through the position of the maximum only (the first one
  among equals), and that position is all that is kept for the backward pass:
  the scores [n, T, filters] are not stored.
  """
  return _scores(x, kernel).max(axis=1)


def _forward(x, kernel):
  scores = _scores(x, kernel)
  best = first_argmax(jnp.swapaxes(scores, 1, 2))
  return scores.max(axis=1), (x, kernel, best)


def _backward(residuals, g):
  x, kernel, best = residuals
  width, channels, filters = kernel.shape
  positions = x.shape[1] - width + 1
  steps = jnp.arange(positions, dtype=best.dtype)
  # [n, positions, filters], zero but at the maxima.
  routed = jnp.where(best[:, None] == steps[None, :, None], g[:, None], 0)
  d_kernel = jnp.einsum('npw,npf->wf', _windows(x, width), routed)
  flat = kernel.reshape(width * channels, filters)
  d_windows = jnp.einsum('npf,wf->npw', routed, flat)
  d_x = sum(
    jnp.pad(
      d_windows[..., j * channels : (j + 1) * channels],
      ((0, 0), (j, width - 1 - j), (0, 0)),
    )
    for j in range(width)
  )
  return d_x, d_kernel.reshape(kernel.shape)


max_convolution.defvjp(_forward, _backward)
