"""Gated recurrent cells: the LSTM and the GRU."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.initializers import Initializers

Array = jax.Array


class LSTM(nn.Module):
  """The LSTM cell of SeqGAN's generator; gates input, forget, output, cell."""

  width: int
  inits: Initializers

  @nn.compact
  def __call__(self, carry, u: Array):
    """carry (h, c) [n, H] each, u [n, 4 H] -> carry, output [n, H]."""
    h, c = carry
    recurrent = nn.Dense(
      4 * self.width, use_bias=False, kernel_init=self.inits.linear
    )
    i, f, o, g = jnp.split(u + recurrent(h), 4, axis=-1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    h = nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


class GRU(nn.Module):
  """The GRU of Cho et al. 2014; reset gate, update gate, candidate.

  r = sigmoid(u_r + U_r h), z = sigmoid(u_z + U_z h),
  h' = z h + (1 - z) tanh(u_n + r (U_n h + b)).

  Of the two placements of the reset gate this is the one after the product,
  as in cuDNN: all three maps of h are then one product. With U_n (r h), the
  other one, a second product has to wait for r.
  """

  width: int
  inits: Initializers

  @nn.compact
  def __call__(self, h: Array, u: Array) -> tuple[Array, Array]:
    """h [n, H], u [n, 3 H] -> carry [n, H], output [n, H], one and the same."""
    recurrent = nn.Dense(
      3 * self.width, use_bias=False, kernel_init=self.inits.linear
    )
    # The input's bias cannot stand for this one, which the reset gate scales.
    bias = self.param('candidate_bias', self.inits.bias, (self.width,))
    u_r, u_z, u_n = jnp.split(u, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(recurrent(h), 3, axis=-1)
    reset = nn.sigmoid(u_r + h_r)
    update = nn.sigmoid(u_z + h_z)
    candidate = jnp.tanh(u_n + reset * (h_n + bias[None]))
    h = update * h + (1 - update) * candidate
    return h, h


def _check(width: int) -> None:
  # Without a section: generators and discriminators have such cells.
  if width < 1:
    raise UserError(f'hidden={width} must be at least 1')


def lstm(*, width: int = 32, init: Initializers) -> Cell:
  """An LSTM that starts from zeros; seeded by h, with c = 0.

  Raises:
    UserError: a width below one.
  """
  _check(width)

  def initial(n: int) -> tuple[Array, Array]:
    return jnp.zeros((n, width)), jnp.zeros((n, width))

  def seed(h: Array) -> tuple[Array, Array]:
    return h, jnp.zeros_like(h)

  return Cell(LSTM(width, init), 4 * width, initial, width, seed)


def gru(*, width: int = 32, init: Initializers) -> Cell:
  """A GRU that starts from zeros; its carry is h itself.

  Raises:
    UserError: a width below one.
  """
  _check(width)

  def initial(n: int) -> Array:
    return jnp.zeros((n, width))

  return Cell(GRU(width, init), 3 * width, initial, width, lambda h: h)
