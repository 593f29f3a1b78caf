"""Gated recurrent cells: LSTM, GRU and Mogrifier LSTM."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.initializers import Initializers

Array = jax.Array


class LSTM(nn.Module):
  """The LSTM cell of SeqGAN's generator.

  The projected input holds the gates in the order input, forget, output, cell.

  Attributes:
    width: H, size of h
    inits: initialisers of the maps
    norm: whether a layer norm is applied to the sum of both maps, over all four
      gates (Ba et al. 2016)
  """

  width: int
  inits: Initializers
  norm: bool = False

  @nn.compact
  def __call__(self, carry, u: Array):
    """Maps carry (h, c), [n, H] each, and u [n, 4 H] to carry and output h."""
    h, c = carry
    recurrent = nn.Dense(
      4 * self.width, use_bias=False, kernel_init=self.inits.linear
    )
    gates = u + recurrent(h)
    if self.norm:
      gates = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False)(gates)
    i, f, o, g = jnp.split(gates, 4, axis=-1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    h = nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


class GRU(nn.Module):
  """The GRU of Cho et al. 2014.

  The projected input holds reset gate, update gate and candidate, in this
  order:

      r = sigmoid(u_r + U_r h), z = sigmoid(u_z + U_z h),
      h' = z h + (1 - z) tanh(u_n + r (U_n h + b)).

  The reset gate is applied after the product, as in cuDNN, so that the three
  maps of h are one product. The other form, U_n (r h), needs a second product
  that waits for r.

  Attributes:
    width: H, size of h
    inits: initialisers of the maps
  """

  width: int
  inits: Initializers

  @nn.compact
  def __call__(self, h: Array, u: Array) -> tuple[Array, Array]:
    """Maps h [n, H] and u [n, 3 H] to the new h, as carry and as output."""
    recurrent = nn.Dense(
      3 * self.width, use_bias=False, kernel_init=self.inits.linear
    )
    # The reset gate scales this bias, so the bias of the input cannot replace
    # it.
    bias = self.param('candidate_bias', self.inits.bias, (self.width,))
    u_r, u_z, u_n = jnp.split(u, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(recurrent(h), 3, axis=-1)
    reset = nn.sigmoid(u_r + h_r)
    update = nn.sigmoid(u_z + h_z)
    candidate = jnp.tanh(u_n + reset * (h_n + bias[None]))
    h = update * h + (1 - update) * candidate
    return h, h


class MogrifierLSTM(nn.Module):
  """The Mogrifier LSTM (Melis et al. 2020).

  Before the step of an LSTM, input and state gate each other in turn. Round i =
  1, 2, ... changes x if i is odd, and h if it is even:

      x <- 2 sigmoid(Q_i h) x,    h <- 2 sigmoid(R_i x) h.

  Attributes:
    width: H, size of h and of the projected input x
    rounds: number of rounds; 0 is an LSTM
    inits: initialisers of the maps
  """

  width: int
  rounds: int
  inits: Initializers

  @nn.compact
  def __call__(self, carry, x: Array):
    """Maps carry (h, c) and x, [n, H] each, to carry and output h."""

    linear = self.inits.dense
    h, c = carry
    for i in range(self.rounds):
      if i % 2:
        h = 2 * nn.sigmoid(linear(self.width, f'state_{i}', False)(x)) * h
      else:
        x = 2 * nn.sigmoid(linear(self.width, f'input_{i}', False)(h)) * x
    gates = linear(4 * self.width, 'gates')(x)
    lstm = LSTM(self.width, self.inits, name='lstm')
    return lstm((h, c), gates)


class Stack(nn.Module):
  """Layers of cells. Each one reads the output of the layer below.

  Attributes:
    layers: the cells, the lowest one first
    input_widths: width of the projected input u of each cell
    inits: initialisers of the maps between the layers
  """

  layers: Sequence[nn.Module]
  input_widths: Sequence[int]
  inits: Initializers

  def setup(self):
    self.maps = [
      nn.Dense(width, kernel_init=self.inits.linear, bias_init=self.inits.bias)
      for width in self.input_widths[1:]
    ]

  def __call__(self, carries, u: Array):
    """Maps the carries and u [n, input_widths[0]] to carries and output."""
    new, output = [], None
    for i, (layer, carry) in enumerate(zip(self.layers, carries, strict=True)):
      carry, output = layer(carry, self.maps[i - 1](output) if i else u)
      new.append(carry)
    return tuple(new), output


def stacked(cell: Cell, layers: int, init: Initializers) -> Cell:
  """Builds a cell of several layers.

  Args:
    cell: the cell of each layer
    layers: number of layers; 1 returns the cell itself
    init: initialisers of the maps between layers

  Returns:
    A Cell. Its carry is a tuple of the carries, its output that of the last
    layer. Its `seed` starts all layers from the same vector.
  """
  if layers == 1:
    return cell
  seed = cell.seed

  def initial(n: int):
    return (cell.initial(n),) * layers

  module = Stack(
    [cell.module.clone(name=None) for _ in range(layers)],
    [cell.input_width] * layers,
    init,
  )
  return Cell(
    module,
    cell.input_width,
    initial,
    cell.width,
    seed and (lambda h: (seed(h),) * layers),
  )


def _check_width(width: int) -> None:
  # Both `generator.hidden` and `discriminator.hidden` end up here.
  """Raises UserError unless the width is positive."""
  if width < 1:
    raise UserError(f'hidden={width} must be at least 1')


def lstm(*, width: int = 32, init: Initializers, norm: bool = False) -> Cell:
  """Builds an LSTM cell whose initial state is zero.

  Args:
    width: H
    init: initialisers
    norm: whether the gates have a layer norm, see `LSTM`

  Returns:
    A Cell with the carry (h, c). Its `seed` sets h and leaves c at zero.

  Raises:
    UserError: a width below one.
  """
  _check_width(width)

  def initial(n: int) -> tuple[Array, Array]:
    return jnp.zeros((n, width)), jnp.zeros((n, width))

  def seed(h: Array) -> tuple[Array, Array]:
    return h, jnp.zeros_like(h)

  return Cell(LSTM(width, init, norm), 4 * width, initial, width, seed)


def mogrifier(*, width: int = 32, rounds: int = 5, init: Initializers) -> Cell:
  """Builds a Mogrifier LSTM cell whose initial state is zero.

  Args:
    width: H
    rounds: see `MogrifierLSTM`
    init: initialisers

  Returns:
    A Cell with the carry (h, c), as that of `lstm`.

  Raises:
    UserError: a width below one, or a negative number of rounds.
  """
  at_least('generator.rounds', rounds, 0)
  plain = lstm(width=width, init=init)
  module = MogrifierLSTM(width, rounds, init)
  return plain._replace(module=module, input_width=width)


def gru(*, width: int = 32, init: Initializers) -> Cell:
  """Builds a GRU cell whose initial state is zero.

  Args:
    width: H
    init: initialisers

  Returns:
    A Cell with the carry h.

  Raises:
    UserError: a width below one.
  """
  _check_width(width)

  def initial(n: int) -> Array:
    return jnp.zeros((n, width))

  return Cell(GRU(width, init), 3 * width, initial, width, lambda h: h)
