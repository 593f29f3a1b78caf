"""Recurrent cells: Linen modules (carry, projected input) -> (carry, output).

A cell receives its input already projected to `input_width`. The projection has
its own parameter group, because a mixture of experts can share it or not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, unknown
from moegan_jax.nets.initializers import Initializers

Array = jax.Array
FEW_ROWS = 4  # up to this many keys, attention avoids matrix products


class Cell(NamedTuple):
  """A recurrent cell and its interface to a generator.

  Attributes:
    module: Linen module, (carry, u [n, input_width]) -> carry, output [n, H]
    input_width: width of the projected input
    initial: n -> carry
    width: H
    seed: hidden [n, H] -> carry whose visible state is `hidden`, to start from
      a latent vector; None if the cell has no such carry
    folds: whether the module also offers its step as two methods. `absorb`, u
      -> a, stacks all affine maps of u. `advance`, (carry, a) -> carry, output,
      does the rest.
  """

  module: nn.Module
  input_width: int
  initial: Callable[[int], Any]
  width: int
  seed: Callable[[Array], Any] | None = None
  folds: bool = False


class _Flavour(NamedTuple):
  """Differences between the published codes of the relational memory core.

  Attributes:
    joint_norm: whether a layer norm covers [slots + 1, features] at once
    full_gain: whether gain and bias of the norm also differ between slots
    epsilon: added to the variance in the norm
    bias: whether the linear maps of attention and gates have biases
    tied_mlp: whether all MLP layers share one linear map, with a ReLU after
      each
    key_scale: whether queries are scaled by 1 / sqrt(d_k) instead of
      1 / sqrt(2 d_k + d_v)
    trained_bias: whether forget and input bias are parameters
  """

  joint_norm: bool
  full_gain: bool
  epsilon: float
  bias: bool
  tied_mlp: bool
  key_scale: bool
  trained_bias: bool


FLAVOURS = {
  'santoro': _Flavour(False, False, 1e-5, True, False, False, False),
  'relgan': _Flavour(True, False, 1e-12, False, False, False, False),
  'textgan': _Flavour(True, True, 1e-5, True, True, True, True),
}


def attention(q: Array, k: Array, v: Array) -> Array:
  """Returns softmax(q k^T) v for each head.

  Args:
    q: [n, Q, heads, d_k]
    k: [n, K, heads, d_k]
    v: [n, K, heads, d_v]

  Returns:
    [n, Q, heads, d_v].

  With at most FEW_ROWS keys it computes one query row at a time, because the
  overhead of small matrix products would exceed their work.
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
  """The relational memory core of Santoro et al. 2018, section 3.

  Attributes:
    slots: N; the memory is [n, N, M] with M = heads * head_size
    heads, head_size: number and width of the attention heads
    key_size: d_k, width of queries and keys
    blocks: how often attention and MLP are applied, with the same weights
    mlp_layers: number of layers of the MLP
    gate: 'unit' (one gate per number), 'memory' (one per slot) or 'none'
    forget_bias, input_bias: added to the gates before the sigmoid
    flavour: 'santoro' (the code of the paper), 'relgan' or 'textgan';
      `_Flavour` lists how the latter two code bases differ
    inits: initialisers
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
    """Returns the attention output of the first `rows` rows: [n, rows, M].

    Args:
      qkv: linear map of all rows, [n, N + 1, heads * (2 d_k + d_v)]
      rows: number of query rows
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
    """Maps memory [n, N, M] and u [n, M] to memory and output [n, N * M]."""
    return self.advance(memory, self.absorb(u))

  def absorb(self, u: Array) -> Array:
    """Stacks u [n, M], its queries, keys and values, and its gates: [n, A]."""
    parts = [u, self.qkv(u)]
    if self.gate != 'none':
      parts.append(self.input_gates(u))
    return jnp.concatenate(parts, axis=-1)

  def advance(self, memory: Array, absorbed: Array) -> tuple[Array, Array]:
    """Maps memory [n, N, M] and `absorb(u)` to memory and output [n, N * M]."""
    qkv_width = self.heads * (2 * self.key_size + self.head_size)
    u, input_qkv, input_gates = jnp.split(
      absorbed, (self.width, self.width + qkv_width), axis=-1
    )
    z = jnp.concatenate([memory, u[:, None]], axis=1)
    qkv = jnp.concatenate([self.qkv(memory), input_qkv[:, None]], axis=1)
    for block in range(self.blocks):
      # In the last block the input row only serves as key and value. Its own
      # result is unused, unless the norm covers all rows.
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
  """Builds a relational memory core.

  Args:
    slots: N
    heads: number of attention heads
    head_size: width of a head; the memory width is M = heads * head_size
    key_size: d_k, width of queries and keys; 0 stands for head_size
    blocks: how often attention and MLP are applied
    mlp_layers: number of layers of the MLP
    gate: 'unit', 'memory' or 'none'
    forget_bias: added to the forget gate before the sigmoid
    input_bias: added to the input gate before the sigmoid
    flavour: a key of FLAVOURS
    init: initialisers

  Returns:
    A Cell of width N * M. The initial memory has the unit vectors e_1 .. e_N as
    its rows.

  Raises:
    UserError: an unknown flavour or gate, or a size out of range.
  """
  for name, value, valid in (
    ('flavour', flavour, tuple(FLAVOURS)),
    ('gate', gate, ('unit', 'memory', 'none')),
  ):
    if value not in valid:
      raise unknown(f'generator.{name}', value, valid)
  sizes = {
    'slots': slots,
    'heads': heads,
    'head_size': head_size,
    'blocks': blocks,
    'mlp_layers': mlp_layers,
  }
  for name, size in sizes.items():
    if size < 1:
      raise UserError(f'generator.{name}={size} must be at least 1')
  if key_size < 0:
    raise UserError(
      f'generator.key_size={key_size} must not be negative; 0 stands for '
      'generator.head_size'
    )
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
