"""What the products of a network's parts cost, by formula.

A product of [m, k] with [k, n] is 2 m k n operations. Everything else (softmax,
noise, norms, optimizers) grows with the arrays, not with their products, and
is not counted. Gathers are no products: an integer token's embedding is free.
"""

from collections.abc import Iterable
from typing import NamedTuple

from moegan_jax.nets.cells import FEW_ROWS, FLAVOURS
from moegan_jax.nets.recurrent import SHARING

GATES = {'lstm': 4, 'gru': 3}


class Product(NamedTuple):
  """[m, k] times [k, n], `times` times."""

  m: int
  k: int
  n: int
  times: float = 1.0

  @property
  def flop(self) -> float:
    return 2.0 * self.m * self.k * self.n * self.times


Products = tuple[Product, ...]


class Work(NamedTuple):
  """The products of a function of activations (left) and weights (right).

  forward: the values
  left: gradients of the left operands, as far as they have one
  right: gradients of the right operands
  """

  forward: Products = ()
  left: Products = ()
  right: Products = ()

  @property
  def trained(self) -> Products:
    """Values and both gradients: the weights learn, and so does the input."""
    return self.forward + self.left + self.right

  @property
  def through(self) -> Products:
    """Frozen weights that a gradient passes on its way to the input."""
    return self.forward + self.left

  @property
  def of_weights(self) -> Products:
    """The weights learn from an input that is a constant."""
    return self.forward + self.right

  def constant_input(self) -> 'Work':
    """The same, where nothing behind the input learns in any case."""
    return self._replace(left=())


def flop(products: Iterable[Product]) -> float:
  """Operations in all."""
  return sum(p.flop for p in products)


def times(products: Iterable[Product], count: float) -> Products:
  """The same products `count` times."""
  return tuple(p._replace(times=p.times * count) for p in products)


def join(*works: Work) -> Work:
  """One function after the other."""
  return Work(*(sum(parts, ()) for parts in zip(*works, strict=True)))


def repeated(work: Work, count: float) -> Work:
  return Work(*(times(part, count) for part in work))


def dense(m: int, k: int, n: int, count: float = 1.0) -> Work:
  """[m, k] times [k, n], `count` of them, both operands with a gradient."""
  return Work(
    (Product(m, k, n, count),),
    (Product(m, n, k, count),),
    (Product(k, m, n, count),),
  )


def memory_step(
  n: int,
  *,
  slots: int,
  heads: int,
  head_size: int,
  key_size: int,
  blocks: int,
  mlp_layers: int,
  gate: str,
  flavour: str,
  **_,
) -> Work:
  """One step of a relational memory core for n sequences, its input apart.

  The input's own row serves as key and value; after the last block nothing
  reads it, so it needs no attention and no MLP there. Only a norm over all
  rows at once (flavour 'relgan') does. What the first block and the gates do
  with the input is in `memory_input`. Attention among few rows is no product
  (`nets.cells.attention`): at N = 1 it is less than a percent of a step.
  """
  width, key = heads * head_size, key_size or head_size
  rows = slots + 1
  parts = []
  for block in range(blocks):
    last = block == blocks - 1
    kept = slots if last and not FLAVOURS[flavour].joint_norm else rows
    mapped = rows if block else slots
    parts += [
      # The norm of a row mixes its query, key and value: all rows have all.
      dense(n * mapped, width, heads * (2 * key + head_size)),
      dense(n * kept, width, width, mlp_layers),
    ]
    if rows > FEW_ROWS:
      parts += [
        dense(kept, key, rows, n * heads),
        dense(kept, rows, head_size, n * heads),
      ]
  if gate != 'none':
    parts.append(dense(n * slots, width, _gates(width, gate)))
  return join(*parts)


def _gates(width: int, gate: str) -> int:
  return {'unit': 2 * width, 'memory': 2, 'none': 0}[gate]


def memory_input(
  n: int,
  embed: int,
  *,
  heads: int,
  head_size: int,
  key_size: int,
  gate: str,
  **_,
) -> tuple[Work, Work]:
  """What a memory core does with its input alone: (once a call, a step).

  All of it is affine in the embedding, so its factors are multiplied out
  once, for the kernel [E, A] and, by a row of zeros, for the bias.
  """
  width, key = heads * head_size, key_size or head_size
  maps = [heads * (2 * key + head_size)]
  if gate != 'none':
    maps.append(_gates(width, gate))
  once = [
    part
    for rows in (1, embed)
    for part in (
      dense(rows, embed, width).constant_input(),
      *(dense(rows, width, made) for made in maps),
    )
  ]
  return join(*once), dense(n, embed, width + sum(maps))


def gated_step(n: int, *, cell: str, width: int) -> Work:
  """One step of an LSTM or a GRU for n sequences."""
  return dense(n, width, GATES[cell] * width)


class GeneratorWork(NamedTuple):
  """Of n sequences: what a generator costs.

  begin: what is done once a call: a start from latent noise, folded maps
  step: a step of all experts, without the readout
  readout: of one step
  """

  begin: Work
  step: Work
  readout: Work


def generator(
  n: int,
  vocab_size: int,
  *,
  soft: bool,
  cell: str,
  embed: int,
  hidden: int,
  latent: int,
  experts: int,
  sharing: str,
  aggregation: str,
  **memory,
) -> GeneratorWork:
  """A generator from the section `generator` of a configuration.

  Args:
    soft: it reads weights over the V words and two symbols, not tokens
    memory: sizes of the memory core; other settings cost nothing
  """
  begin = Work()
  if cell == 'rmc':
    core = memory_step(n, **memory)
    begin, own = memory_input(n, embed, **memory)
    width = memory['slots'] * memory['heads'] * memory['head_size']
  else:
    core = gated_step(n, cell=cell, width=hidden)
    read, width = GATES[cell] * hidden, hidden
    own = dense(n, embed, read)
  shared = SHARING.get(sharing, ()) if experts > 1 else ()
  step, begin = repeated(join(core, own), experts), repeated(begin, experts)
  if latent:  # of gated cells alone
    noise = dense(n, latent, read, experts).constant_input()
    step = join(step, noise)
    begin = dense(n, latent, width, experts).constant_input()
  if soft:
    tables = 1 if 'embed' in shared else experts
    step = join(step, dense(n, vocab_size + 2, embed, tables))
  # The readout of a mean is the mean of the readouts, where they are one.
  merged = aggregation == 'repr_mean' and 'head' in shared
  heads = 1 if merged else experts
  return GeneratorWork(begin, step, dense(n, width, vocab_size, heads))


def convolution(
  n: int, length: int, channels: int, width: int, filters: int
) -> Work:
  """Filters and their maximum over time.

  The gradient takes one position of each filter, that of its maximum.
  """
  positions, size = length - width + 1, width * channels
  return dense(n, size, filters)._replace(
    forward=dense(n * positions, size, filters).forward
  )


def discriminator(
  n: int,
  length: int,
  *,
  kind: str,
  embed: int,
  widths: tuple[int, ...],
  filters: int,
  representations: int,
  features: int,
  highway: str,
  cell: str,
  hidden: int,
  per_token: bool,
  **_,
) -> Work:
  """A judgement of n embedded sequences, from the section `discriminator`.

  Its other settings cost nothing.
  """
  if kind == 'recurrent':
    return join(
      dense(n * length, embed, GATES[cell] * hidden),
      repeated(gated_step(n, cell=cell, width=hidden), length),
      dense(n * length if per_token else n, hidden, 1),
    )
  rows, channels = n * representations, embed // representations
  parts = [convolution(rows, length, channels, w, filters) for w in widths]
  width = filters * len(widths)
  maps = {'separate': 2, 'tied': 1, 'none': 0}[highway]
  parts += [dense(rows, width, width)] * maps
  if features:
    parts.append(dense(rows, width, features))
  return join(*parts, dense(rows, features or width, 1))
