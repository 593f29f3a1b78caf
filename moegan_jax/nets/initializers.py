"""Weight initialisers of published code bases, by name.

Source: the released code of RelGAN, TextGAN-PyTorch, SeqGAN and ScratchGAN.
Truncated normal distributions are cut at two standard deviations and not
rescaled, as in TensorFlow.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax

from moegan_jax.errors import unknown

_zeros = jax.nn.initializers.zeros


class Initializers(NamedTuple):
  """Functions (key, shape, dtype) -> array for each kind of parameter.

  Attributes:
    linear: [fan_in, fan_out]
    bias: [fan_out]
    embedding: [V, E]
    convolution: [width, channels, filters]
  """

  linear: Callable
  bias: Callable
  embedding: Callable
  convolution: Callable

  def dense(self, width: int, name: str, bias: bool = True) -> nn.Dense:
    """Returns a linear map to this width, a part of a Linen module."""
    return nn.Dense(
      width, bias, name=name, kernel_init=self.linear, bias_init=self.bias
    )


def _scaled(draw: Callable, scale: Callable[[tuple], float]) -> Callable:
  """Builds an initialiser whose standard deviation depends on the shape."""

  def init(key, shape, dtype=float):
    return draw(scale(shape))(key, shape, dtype)

  return init


_normal = jax.nn.initializers.normal
_truncated = jax.nn.initializers.truncated_normal


def _uniform(limit: float) -> Callable:
  def init(key, shape, dtype=float):
    return jax.random.uniform(key, shape, dtype, -limit, limit)

  return init


def _last(shape):
  return 1 / math.sqrt(shape[-1])


def _first(shape):
  return 1 / math.sqrt(shape[0])


# RelGAN: linear 1/sqrt(fan_in), embedding 1/sqrt(V), convolution He.
_RELGAN = Initializers(
  linear=_scaled(_truncated, _first),
  bias=_zeros,
  embedding=_scaled(_truncated, _first),
  convolution=_scaled(_truncated, lambda s: math.sqrt(2 / (s[0] * s[1]))),
)
INITIALIZERS = {
  'relgan': _RELGAN,
  # Generator of TextGAN-PyTorch: truncated normal 1/sqrt(first axis). PyTorch
  # stores linear maps as [out, in], so the first axis is the last one here.
  'textgan': Initializers(
    linear=_scaled(_truncated, _last),
    bias=_scaled(_truncated, _last),
    embedding=_scaled(_truncated, _first),
    convolution=_scaled(_truncated, _last),
  ),
  # SeqGAN, LeakGAN, JSDGAN and CoT of TextGAN-PyTorch: not truncated.
  'textgan_normal': Initializers(
    linear=_scaled(_normal, _last),
    bias=_scaled(_normal, _last),
    embedding=_scaled(_normal, _first),
    convolution=_scaled(_normal, _last),
  ),
  # Discriminators of TextGAN-PyTorch.
  'uniform': Initializers(*[_uniform(0.05)] * 4),
  # Generators of SeqGAN and its descendants: normal 0.1, including biases.
  'seqgan': Initializers(*[_normal(0.1)] * 4),
  # ScratchGAN: embedding normal with the deviation of GloVe vectors; others as
  # in RelGAN's code, since its paper does not state them.
  'scratchgan': _RELGAN._replace(embedding=_normal(0.3836)),
  # Generator of SLGAN: standard normal.
  'standard': Initializers(*[_normal(1.0)] * 4),
}


def initializers(name: str) -> Initializers:
  """Returns the initialisers of a name.

  Args:
    name: a key of INITIALIZERS

  Raises:
    UserError: the name is unknown.
  """
  if name not in INITIALIZERS:
    raise unknown('init', name, INITIALIZERS)
  return INITIALIZERS[name]
