"""The matrix products of the parts of a network, by formula.

Everything but products (softmax, noise, norms, optimizers) is linear in the
size of the arrays and not counted. Gathers such as the embedding of tokens are
not products.
"""

from typing import NamedTuple

from benchmarks.work import Work, dense, join, repeated
from moegan_jax.nets.cells import FEW_ROWS, FLAVOURS
from moegan_jax.nets.recurrent import SHARING

GATES = {'lstm': 4, 'gru': 3}


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
  """Returns the work of one step of a memory core, without its input.

  Args:
    n: number of sequences
    slots, heads, head_size, key_size, blocks, mlp_layers, gate, flavour: see
      `nets.cells.relational_memory`

  The input row serves as key and value. After the last block its result is
  unused, so it needs no attention and no MLP there, unless the norm covers all
  rows (flavour 'relgan'). `memory_input` counts the maps of the input in the
  first block and in the gates. Attention over few rows uses no products
  (`nets.cells.attention`); for N = 1 it is less than one percent of a step.
  """
  width, key = heads * head_size, key_size or head_size
  rows = slots + 1
  parts = []
  for block in range(blocks):
    last = block == blocks - 1
    kept = slots if last and not FLAVOURS[flavour].joint_norm else rows
    mapped = rows if block else slots
    parts += [
      # The norm mixes query, key and value, so all rows need all three.
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
  """Returns the width of the gates of a memory core."""
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
  """Returns the work of the input maps of a memory core, per call and per step.

  The maps are affine in the embedding. Their factors are multiplied out once
  per call: for the kernel [E, A] and, with a row of zeros, for the bias.
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


def gated_step(n: int, *, cell: str, width: int, rounds: int = 0, **_) -> Work:
  """Returns the work of one step of a gated cell for n sequences.

  Args:
    n: number of sequences
    cell: a key of GATES, or 'mogrifier'
    width: H
    rounds: of 'mogrifier', which maps its input within the step
  """
  if cell != 'mogrifier':
    return dense(n, width, GATES[cell] * width)
  return join(dense(n, width, width, rounds), dense(n, width, 4 * width, 2))


def input_width(cell: str, width: int) -> int:
  """Returns the width of the projected input of a gated cell."""
  return width if cell == 'mogrifier' else GATES[cell] * width


def attention_block(n: int, length: int, *, embed: int, heads: int) -> Work:
  """Returns the work of a block of a Transformer for n sequences.

  Args:
    n: number of sequences
    length: T
    embed: E
    heads: attention heads
  """
  rows, size = n * length, embed // heads
  scores = dense(length, size, length, n * heads)
  mixed = dense(length, length, size, n * heads)
  return join(
    dense(rows, embed, embed, 4),  # query, key, value, output
    # Both operands are activations.
    *(w._replace(left=w.left + w.right, right=()) for w in (scores, mixed)),
    dense(rows, embed, 4 * embed),
    dense(rows, 4 * embed, embed),
  )


class GeneratorWork(NamedTuple):
  """The work of a generator for n sequences.

  Attributes:
    prepare: once per call: the folded maps
    begin: once per call: the start from latent noise
    step: one step of all experts, without the readout
    readout: the readout of one step
  """

  prepare: Work
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
  latent: int,
  experts: int,
  hidden: int = 0,
  layers: int = 1,
  output: str = 'own',
  vector_size: int = 0,
  sharing: str = 'embed_out',
  aggregation: str = 'repr_mean',
  **memory,
) -> GeneratorWork:
  """Returns the work of a generator from the section `generator`.

  Args:
    n: number of sequences
    vocab_size: V
    soft: whether its inputs are weights over V + 2 symbols and not tokens
    cell, embed, hidden, layers, output, vector_size, latent, experts, sharing,
      aggregation: settings of the section
    memory: sizes of the memory core, or rounds; other settings have no products
  """
  prepare = begin = Work()
  embed += vector_size
  if cell == 'rmc':
    core = memory_step(n, **memory)
    prepare, own = memory_input(n, embed, **memory)
    width = memory['slots'] * memory['heads'] * memory['head_size']
  else:
    core = gated_step(n, cell=cell, width=hidden, **memory)
    read, width = input_width(cell, hidden), hidden
    core = join(*[core] * layers, *[dense(n, hidden, read)] * (layers - 1))
    own = dense(n, embed, read)
  shared = SHARING.get(sharing, ()) if experts > 1 else ()
  step, prepare = repeated(join(core, own), experts), repeated(prepare, experts)
  if latent:  # gated cells only
    noise = dense(n, latent, read, experts).constant_input()
    step = join(step, noise)
    begin = dense(n, latent, width, experts).constant_input()
  if soft:
    tables = 1 if 'embed' in shared else experts
    step = join(step, dense(n, vocab_size + 2, embed, tables))
  # A shared readout is applied once, to the mean of the experts.
  merged = aggregation == 'repr_mean' and 'head' in shared
  heads = 1 if merged else experts
  made = dense(n, width, vocab_size, heads)
  if output == 'tied':
    made = join(
      dense(n, width, embed, heads), dense(n, embed, vocab_size, heads)
    )
  return GeneratorWork(prepare, begin, step, made)


def convolution(
  n: int, length: int, channels: int, width: int, filters: int
) -> Work:
  """Returns the work of filters followed by their maximum over time.

  The gradient needs only one position per filter, that of the maximum.
  """
  positions, size = length - width + 1, width * channels
  return dense(n, size, filters)._replace(
    forward=dense(n * positions, size, filters).forward
  )


def feature_width(
  *,
  kind: str,
  widths: tuple[int, ...] = (),
  filters: int | tuple[int, ...] = 0,
  representations: int = 1,
  features: int = 0,
  hidden: int = 0,
  embed: int = 0,
  **_,
) -> int:
  """Returns the number of features of a sequence, see `discriminator`."""
  if kind == 'recurrent':
    return hidden
  if kind == 'transformer':
    return features or embed
  each = features or sum(_filters(widths, filters))
  return representations * each


def _filters(
  widths: tuple[int, ...], filters: int | tuple[int, ...]
) -> tuple[int, ...]:
  """Returns the number of filters of each width."""
  counts = (filters,) if isinstance(filters, int) else filters
  return counts if len(counts) == len(widths) else counts * len(widths)


def discriminator(
  n: int,
  length: int,
  *,
  kind: str,
  embed: int,
  widths: tuple[int, ...] = (),
  filters: int | tuple[int, ...] = 0,
  representations: int = 1,
  features: int = 0,
  highway: str = 'none',
  cell: str = '',
  hidden: int = 0,
  per_token: bool = False,
  layers: int = 0,
  heads: int = 0,
  positions: int = 0,
  classifier: bool = True,
  **_,
) -> Work:
  """Returns the work of a discriminator for n embedded sequences.

  Args:
    n: number of sequences
    length: T
    kind, embed, widths, filters, representations, features, highway, cell,
      hidden, per_token, layers, heads: settings of the section
      `discriminator`; its other settings have no products
    positions: constant inputs of a recurrent network beside the embedding
    classifier: whether it has a logit beside its features
  """
  if kind == 'recurrent':
    read = GATES[cell] * hidden
    fed = dense(n * length, embed + positions, read)
    parts = [
      fed._replace(left=dense(n * length, embed, read).left),
      repeated(gated_step(n, cell=cell, width=hidden), length),
    ]
    rows, width = n * length if per_token else n, hidden
  elif kind == 'transformer':
    block = attention_block(n, length, embed=embed, heads=heads)
    parts, rows, width = [repeated(block, layers)], n, embed
    if features:
      parts.append(dense(rows, width, features))
      width = features
  else:
    rows, channels = n * representations, embed // representations
    counts = _filters(widths, filters)
    parts = [
      convolution(rows, length, channels, w, count)
      for w, count in zip(widths, counts, strict=True)
    ]
    width = sum(counts)
    maps = {'separate': 2, 'tied': 1, 'none': 0}[highway]
    parts += [dense(rows, width, width)] * maps
    if features:
      parts.append(dense(rows, width, features))
      width = features
  return join(*parts, *[dense(rows, width, 1)] * classifier)
