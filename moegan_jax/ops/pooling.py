"""Convolution over time followed by the maximum over time."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from moegan_jax.ops import devices

Array = jax.Array

# With at most this many products per filter, the scores are sums of elementwise
# products. The compiler fuses them with the maximum, so that they never reach
# memory. Larger filters use one convolution, because the sums would take too
# long to compile. The limit admits width 5 at T = 51 (EMNLP) for one channel.
_MAX_UNROLLED_PRODUCTS = 256
# The routed gradients [_BLOCK, T, filters] of one block fit into a CPU cache.
_BLOCK = 32


def _windows(x: Array, width: int) -> Array:
  """Returns windows over time, [n, T, E] -> [n, T - width + 1, width * E]."""
  positions = x.shape[1] - width + 1
  return jnp.concatenate(
    [x[:, j : j + positions] for j in range(width)], axis=-1
  )


def _product(x: Array, kernel: Array) -> Array:
  """Returns the scores of all positions, [n, T - width + 1, filters]."""
  return _windows(x, kernel.shape[0]) @ kernel.reshape(-1, kernel.shape[-1])


def _convolution(x: Array, kernel: Array) -> Array:
  """Computes `_product`; a CPU needs half to three quarters of its time."""
  return jax.lax.conv_general_dilated(
    x, kernel, (1,), 'VALID', dimension_numbers=('NWC', 'WIO', 'NWC')
  )


def _is_narrow(x: Array, kernel: Array) -> bool:
  width, channels, _ = kernel.shape
  return x.shape[1] * width * channels <= _MAX_UNROLLED_PRODUCTS


def _scores(x: Array, kernel: Array) -> Callable[[int], Array]:
  """Returns a function from t to the scores (x * kernel)[t], [n, filters]."""
  width, channels, filters = kernel.shape
  if _is_narrow(x, kernel):
    flat = kernel.reshape(width * channels, filters)
    # One `split` is traced much faster than an index for each product.
    values = x.reshape(x.shape[0], -1)
    inputs = jax.lax.split(values, [1] * values.shape[1], 1)  # [n, 1] each
    weights = jax.lax.split(flat, [1] * flat.shape[0])  # [1, filters] each
    return lambda t: functools.reduce(
      jax.lax.add, map(jnp.multiply, inputs[t * channels :], weights)
    )
  whole = jax.lax.platform_dependent(
    x, kernel, cpu=_convolution, default=_product
  )
  return lambda t: jax.lax.index_in_dim(whole, t, 1, keepdims=False)


@jax.custom_vjp
def max_convolution(x: Array, kernel: Array) -> Array:
  """Returns max over t of (x * kernel)[t], the pooled features of Kim 2014.

  Args:
    x: [n, T, E]
    kernel: [width, E, filters]; T >= width, and there is no padding

  Returns:
    [n, filters]. The caller may apply a bias and an activation afterwards,
    because both commute with the maximum if the activation is monotone.

  The gradient flows only through the position of the maximum, the first one in
  a tie. The backward pass needs only that position, so the scores [n, T,
  filters] are not stored.
  """
  score = _scores(x, kernel)
  positions = range(1, x.shape[1] - kernel.shape[0] + 1)
  return functools.reduce(jnp.maximum, map(score, positions), score(0))


def _forward(x, kernel):
  score = _scores(x, kernel)
  largest = score(0)
  best = jnp.zeros(largest.shape, jnp.int32)
  for t in range(1, x.shape[1] - kernel.shape[0] + 1):
    now = score(t)
    better = now > largest
    largest = jnp.where(better, now, largest)
    best = jnp.where(better, t, best)
  # The barrier stops the compiler from recomputing the loop per use of `best`.
  largest, best = jax.lax.optimization_barrier((largest, best))
  return largest, (x, kernel, best)


def _routed(best: Array, g: Array, positions: int) -> Array:
  """Places g at the maxima: [n, positions, filters], zero elsewhere."""
  steps = jnp.arange(positions, dtype=best.dtype)
  return jnp.where(best[:, None] == steps[None, :, None], g[:, None], 0)


def _gradients(x: Array, best: Array, g: Array, kernel: Array):
  """Returns the gradients of `max_convolution` with respect to x and kernel."""
  width, channels, filters = kernel.shape
  positions = x.shape[1] - width + 1
  routed = _routed(best, g, positions)
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


def _gradients_in_blocks(x: Array, best: Array, g: Array, kernel: Array):
  """Computes `_gradients` for a few sequences at a time.

  The array [n, T, filters] would not fit into the cache. The last block is
  padded with sequences whose gradients are zero.
  """
  n = x.shape[0]
  size = min(_BLOCK, n)
  count = -(-n // size)

  def blocks(array):
    rest = [(0, count * size - n)] + [(0, 0)] * (array.ndim - 1)
    return jnp.pad(array, rest).reshape(count, size, *array.shape[1:])

  def step(total, block):
    own_x, own_best, own_g = block
    d_x, d_kernel = _gradients(own_x, own_best, own_g, kernel)
    return total + d_kernel, d_x

  d_kernel, d_x = jax.lax.scan(
    step, jnp.zeros_like(kernel), tuple(map(blocks, (x, best, g)))
  )
  return d_x.reshape(count * size, *x.shape[1:])[:n], d_kernel


def _backward(residuals, g):
  x, kernel, best = residuals
  if devices.parts() > 1:  # blocks would span the shards of several devices
    return _gradients(x, best, g, kernel)
  return jax.lax.platform_dependent(
    x, best, g, kernel, cpu=_gradients_in_blocks, default=_gradients
  )


max_convolution.defvjp(_forward, _backward)
