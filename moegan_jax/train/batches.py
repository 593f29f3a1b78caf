"""Batches of an iteration, gathered on the device or sent by the host."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.train.keys import DRAW, ORDER, use_key
from moegan_jax.train.mesh import Layout
from moegan_jax.types import Array, Batch, Phase, TrainState


def with_labels(tokens: np.ndarray, labels: np.ndarray) -> np.ndarray:
  """Returns the rows of a labelled corpus for `batch_of`.

  Args:
    tokens: int32 [N, T].
    labels: int32 [N].

  Returns:
    int32 [N, T + 1], with the label in the last column, so that a source of
    batches draws sequences and labels as one array.
  """
  return np.concatenate([tokens, labels[:, None]], axis=1, dtype=np.int32)


def batch_of(rows: Array, labelled: bool) -> Batch:
  """Converts rows of a corpus to a Batch.

  Args:
    rows: int32 [..., T], or [..., T + 1] from `with_labels`.
    labelled: whether the last column has the labels.
  """
  return Batch(rows[..., :-1], rows[..., -1]) if labelled else Batch(rows)


def steps_per_epoch(phase: Phase, train_size: int) -> int:
  """Returns the number of iterations in a pass over the corpus.

  Args:
    phase: gives the batch size and the batches per iteration.
    train_size: N, the number of training sequences.
  """
  return max(1, train_size // (phase.batch_size * phase.update.batches))


class RowSampler(NamedTuple):
  """Selects the rows of the corpus that an iteration of one seed uses.

  Attributes:
    order: (key, step) -> int32 [N], the permutation of the epoch of that step.
      The iterations of an epoch take consecutive slices of it.
    drawn: (key, step) -> int32 [k * B], drawn with replacement for that step.
  """

  order: Callable[[Array, Array], Array]
  drawn: Callable[[Array, Array], Array]


def rows(phase: Phase, start: int, train_size: int) -> RowSampler:
  """Creates the row sampler of a phase.

  Args:
    phase: gives the batch size and the batches per iteration.
    start: the step at which the phase begins.
    train_size: N, the number of training sequences.
  """
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)

  def order(key, step):
    key = use_key(key, (step - start) // per_epoch, ORDER)
    return jax.random.permutation(key, train_size).astype(jnp.int32)

  def drawn(key, step):
    return jax.random.randint(use_key(key, step, DRAW), (taken,), 0, train_size)

  return RowSampler(order, drawn)


class Source(NamedTuple):
  """Source of the batches of a chunk, for one seed and inside `jit`.

  Attributes:
    begin: (state, data) -> carry of the first iteration.
    take: (state, data, carry) -> batches int32 [k, B, T], next carry. The rows
      of a labelled corpus have one more column; see `batch_of`.
    axes: the seed axes of `data`, as `in_axes` of `vmap`: None, or a tuple with
      an entry for each of its fields.
    shardings: layout -> the shardings of `data`.
  """

  begin: Callable[[TrainState, Any], Any]
  take: Callable[[TrainState, Any, Any], tuple[Array, Any]]
  axes: Any
  shardings: Callable[[Layout], Any]


def resident(phase: Phase, start: int, train_size: int) -> Source:
  """Creates a source that draws rows of a corpus on the device.

  Its data are the corpus, int32 [N, T].

  Args:
    phase: gives the batch size and the batches per iteration.
    start: the step at which the phase begins.
    train_size: N, the number of training sequences.
  """
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)
  sampler = rows(phase, start, train_size)

  def begin(state: TrainState, corpus: Array) -> Array:
    del corpus
    if not phase.epochs:
      return jnp.zeros((0,), jnp.int32)
    return sampler.order(state.key, state.step)

  def rows_of(state: TrainState, order: Array) -> tuple[Array, Array]:
    if not phase.epochs:
      return sampler.drawn(state.key, state.step), order
    local = state.step - start
    # The remainder of an epoch that does not fill a batch is skipped.
    order = jax.lax.cond(
      local % per_epoch == 0,
      lambda: sampler.order(state.key, state.step),
      lambda: order,
    )
    at = local % per_epoch * taken
    return jax.lax.dynamic_slice(order, (at,), (taken,)), order

  def take(state: TrainState, corpus: Array, order: Array):
    chosen, order = rows_of(state, order)
    shape = (phase.update.batches, phase.batch_size, corpus.shape[1])
    return corpus[chosen].reshape(shape), order

  return Source(begin, take, None, lambda layout: layout.whole)


class Shuffled(NamedTuple):
  """A corpus on the device; see `shuffled`.

  Attributes:
    tokens: int32 [N, T].
    order: int32 [N], the permutation of the epoch in which a chunk begins, or
      [0] for a phase without epochs; [seeds, ...] outside `vmap`.
  """

  tokens: Any
  order: Any


def shuffled(phase: Phase, start: int, train_size: int) -> Source:
  """Creates a `resident` source whose first permutation is given.

  Its data are a `Shuffled`. A chunk computes a permutation only if it enters
  another epoch.

  Args:
    phase, start, train_size: see `resident`.
  """
  whole = resident(phase, start, train_size)

  def take(state: TrainState, data: Shuffled, order: Array):
    return whole.take(state, data.tokens, order)

  return Source(
    lambda _, data: data.order,
    take,
    Shuffled(None, 0),
    lambda layout: Shuffled(layout.whole, layout.seeds),
  )


def epoch_orders(
  phase: Phase, start: int, train_size: int
) -> Callable[[Array, Array], Array]:
  """Creates the function (keys [seeds], step) -> orders of `Shuffled`.

  Args:
    phase, start, train_size: see `rows`.
  """
  if not phase.epochs:
    return lambda keys, _: jnp.zeros((len(keys), 0), jnp.int32)
  return jax.vmap(rows(phase, start, train_size).order, (0, None))


class Block(NamedTuple):
  """Batches from the host; see `stream`.

  Attributes:
    tokens: int32 [n, k, B, T], for n iterations; [seeds, ...] outside `vmap`.
    at: int32, the index of the first iteration of a chunk.
  """

  tokens: Any
  at: Any


def streamed() -> Source:
  """Creates a source that takes the batches of a `Block` in order.

  A chunk must end before the block does.
  """

  def take(state: TrainState, block: Block, at: Array):
    del state
    return jax.lax.dynamic_index_in_dim(
      block.tokens, at, keepdims=False
    ), at + 1

  return Source(
    lambda _, block: block.at,
    take,
    Block(0, None),
    lambda layout: Block(layout.blocks, layout.whole),
  )
