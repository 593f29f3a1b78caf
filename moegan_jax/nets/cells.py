"""Recurrent cells: Linen modules that map (carry, projected input) on.

A cell sees its input already projected to `input_width`: the projection is a
parameter group of its own, because a mixture of experts may share either.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.nets.initializers import Initializers

Array = jax.Array
FEW_ROWS = 4


class Cell(NamedTuple):
  """A cell and what a generator has to know of it.

  module: Linen module, (carry, u [n, input_width]) -> carry, output [n, H]
  folds: whether the module has two methods that do the same in two steps,
    `absorb`, u -> a, all affine maps of u beside each other, and `advance`,
    (carry, a) -> carry, output
  input_width: width of the projected input
  initial: n -> carry
  width: H
  seed: hidden [n, H] -> carry whose visible state is `hidden`, for a start
    from a latent vector; None where no such carry exists
  """

  module: nn.Module
  input_width: int
  initial: Callable[[int], Any]
  width: int
  seed: Callable[[Array], Any] | None = None
  folds: bool = False


class _Flavour(NamedTuple):
  """What differs between published codes of the relational memory core."""

  joint_norm: bool  # layer norm over [slots + 1, features] at once
  full_gain: bool  # gain and bias of the norm for each slot, too
  epsilon: float
  bias: bool  # biases of the attention's and the gates' linear maps
  tied_mlp: bool  # one linear map in all MLP layers, ReLU after each
  key_scale: bool  # query / sqrt(d_k) in place of 1 / sqrt(2 d_k + d_v)
  trained_bias: bool  # forget and input bias are parameters


FLAVOURS = {
  'santoro': _Flavour(False, False, 1e-5, True, False, False, False),
  'relgan': _Flavour(True, False, 1e-12, False, False, False, False),
  'textgan': _Flavour(True, True, 1e-5, True, True, True, True),
}


def attention(q: Array, k: Array, v: Array) -> Array:
  """softmax(q k^T) v of each head: [n, Q, heads, d_v].

  Args:
    q: [n, Q, heads, d_k]
    k, v: [n, K, heads, d_k] and [n, K, heads, d_v]

  With few rows row by row: calling for products of matrices [Q, K], or for
  sums over so few, takes longer than their work.
  """
  if k.shape[1] > FEW_ROWS:
    weights = jax.nn.softmax(jnp.einsum('nqhd,nkhd->nhqk', q, k))
    return jnp.einsum('nhqk,nkhd->nqhd', weights, v)
  count = range(k.shape[1])

  def row(q):
    scores = [jnp.sum(q * k[:, j], axis=-1) for j in count]
    weights = jax.nn.softmax(jnp.stack(scores, axis=-1))
    return sum(weights[..., j, None] * v[:, j] for j in count)

  return jnp.stack([row(q[:, i]) for i in range(q.shape[1])], axis=1)


class RelationalMemory(nn.Module):
  """The relational memory core, Santoro et al. 2018, section 3.

  slots N, heads, head_size: the memory is [n, N, M] with M = heads*head_size
  flavour: 'santoro' (the paper's code), 'relgan' or 'textgan' (how those two
    code bases differ from it: see `_Flavour`)
  blocks: attention and MLP applied several times, with the same weights
  gate: 'unit' (a gate for each number), 'memory' (one for each slot), 'none'
  """

  slots: int
  heads: int
  head_size: int
  key_size: int
  blocks: int
  mlp_layers: int
  gate: str
  forget_bias: float
  input_bias: float
  flavour: str
  inits: Initializers

  @property
  def width(self) -> int:
    return self.heads * self.head_size

  def setup(self):
    f = FLAVOURS[self.flavour]

    def linear(width, bias=True):
      return nn.Dense(
        width, bias, kernel_init=self.inits.linear, bias_init=self.inits.bias
      )

    def norm():
      return nn.LayerNorm(
        epsilon=f.epsilon,
        reduction_axes=(-2, -1) if f.joint_norm else -1,
        feature_axes=(-2, -1) if f.full_gain else -1,
        use_fast_variance=False,
      )

    self.qkv = linear(self.heads * (2 * self.key_size + self.head_size), f.bias)
    self.qkv_norm = norm()
    self.mlp = [
      linear(self.width) for _ in range(1 if f.tied_mlp else self.mlp_layers)
    ]
    self.attention_norm = norm()
    self.mlp_norm = norm()
    if self.gate != 'none':
      gates = 2 * (self.width if self.gate == 'unit' else 1)
      self.input_gates = linear(gates, f.bias)
      self.memory_gates = linear(gates, f.bias)
    if f.trained_bias:
      self.trained_input_bias = self.param(
        'input_bias', nn.initializers.constant(self.input_bias), ()
      )
      self.trained_forget_bias = self.param(
        'forget_bias', nn.initializers.constant(self.forget_bias), ()
      )

  def _attend(self, qkv: Array, rows: int) -> Array:
    """What the first rows of all N + 1 get from attention: [n, rows, M].

    Args:
      qkv: the linear map of the rows, [n, N + 1, heads * (2 d_k + d_v)]
    """
    d_k, d_v = self.key_size, self.head_size
    qkv = self.qkv_norm(qkv)
    qkv = qkv.reshape(*qkv.shape[:-1], self.heads, 2 * d_k + d_v)
    q, k, v = jnp.split(qkv, (d_k, 2 * d_k), axis=-1)
    scale = d_k if FLAVOURS[self.flavour].key_scale else 2 * d_k + d_v
    out = attention(q[:, :rows] * scale**-0.5, k, v)
    return out.reshape(*out.shape[:2], -1)

  def _mlp(self, z: Array) -> Array:
    if FLAVOURS[self.flavour].tied_mlp:
      for _ in range(self.mlp_layers):
        z = nn.relu(self.mlp[0](z))
      return z
    for i, layer in enumerate(self.mlp):
      z = layer(nn.relu(z) if i else z)
    return z

  def __call__(self, memory: Array, u: Array) -> tuple[Array, Array]:
    """memory [n, N, M], u [n, M] -> memory [n, N, M], output [n, N*M]."""
    return self.advance(memory, self.absorb(u))

  def absorb(self, u: Array) -> Array:
    """u [n, M] itself, its queries, keys and values, and its gates: [n, A]."""
    parts = [u, self.qkv(u)]
    if self.gate != 'none':
      parts.append(self.input_gates(u))
    return jnp.concatenate(parts, axis=-1)

  def advance(self, memory: Array, absorbed: Array) -> tuple[Array, Array]:
    """memory [n, N, M], what `absorb` gave -> memory, output [n, N*M]."""
    qkv_width = self.heads * (2 * self.key_size + self.head_size)
    u, input_qkv, input_gates = jnp.split(
      absorbed, (self.width, self.width + qkv_width), axis=-1
    )
    z = jnp.concatenate([memory, u[:, None]], axis=1)
    qkv = jnp.concatenate([self.qkv(memory), input_qkv[:, None]], axis=1)
    for block in range(self.blocks):
      # The input's own row is key and value at last: nothing reads what would
      # become of it, unless a norm is over all rows.
      last = block == self.blocks - 1
      joint = FLAVOURS[self.flavour].joint_norm
      rows = self.slots if last and not joint else z.shape[1]
      if block:
        qkv = self.qkv(z)
      z = self.attention_norm(z[:, :rows] + self._attend(qkv, rows))
      z = self.mlp_norm(z + self._mlp(z))
    new = z[:, : self.slots]
    if self.gate != 'none':
      gates = input_gates[:, None] + self.memory_gates(jnp.tanh(memory))
      write, keep = jnp.split(gates, 2, axis=-1)
      trained = FLAVOURS[self.flavour].trained_bias
      write_bias = self.trained_input_bias if trained else self.input_bias
      keep_bias = self.trained_forget_bias if trained else self.forget_bias
      new = nn.sigmoid(write + write_bias) * jnp.tanh(new) + (
        nn.sigmoid(keep + keep_bias) * memory
      )
    return new, new.reshape(new.shape[0], -1)


def relational_memory(
  *,
  slots: int = 1,
  heads: int = 2,
  head_size: int = 256,
  key_size: int = 0,
  blocks: int = 1,
  mlp_layers: int = 2,
  gate: str = 'unit',
  forget_bias: float = 1.0,
  input_bias: float = 0.0,
  flavour: str = 'santoro',
  init: Initializers,
) -> Cell:
  """A relational memory core; key_size 0 stands for head_size.

  The first memory has the unit vectors e_1 .. e_N as its rows.

  Raises:
    UserError: an unknown flavour or gate, or a size below one.
  """
  for name, value, valid in (
    ('flavour', flavour, tuple(FLAVOURS)),
    ('gate', gate, ('unit', 'memory', 'none')),
  ):
    if value not in valid:
      raise UserError(
        f'generator.{name}={value!r} is unknown; one of {", ".join(valid)}'
      )
  sizes = {
    'slots': slots,
    'heads': heads,
    'head_size': head_size,
    'blocks': blocks,
    'mlp_layers': mlp_layers,
  }
  for name, value in sizes.items():
    if value < 1:
      raise UserError(f'generator.{name}={value} must be at least 1')
  if key_size < 0:
    raise UserError(f'generator.key_size={key_size} must not be negative')
  module = RelationalMemory(
    slots=slots,
    heads=heads,
    head_size=head_size,
    key_size=key_size or head_size,
    blocks=blocks,
    mlp_layers=mlp_layers,
    gate=gate,
    forget_bias=forget_bias,
    input_bias=input_bias,
    flavour=flavour,
    inits=init,
  )
  width = module.width

  def initial(n: int) -> Array:
    return jnp.broadcast_to(jnp.eye(slots, width), (n, slots, width))

  return Cell(module, width, initial, slots * width, folds=True)
