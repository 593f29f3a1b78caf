"""Batches of an iteration, drawn on the device or sent by the host."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.train.keys import DRAW, ORDER, use_key
from moegan_jax.types import Array, Phase, TrainState


def steps_per_epoch(phase: Phase, train_size: int) -> int:
  """Iterations in a pass over the corpus."""
  return max(1, train_size // (phase.batch_size * phase.update.batches))


class RowSampler(NamedTuple):
  """Rows of the corpus that an iteration uses, for one seed.

  order: (key, step) -> int32 [N], the permutation of the epoch of that step,
    whose iterations take consecutive slices of it
  drawn: (key, step) -> int32 [k * B], drawn with replacement for that step
  """

  order: Callable[[Array, Array], Array]
  drawn: Callable[[Array, Array], Array]


def rows(phase: Phase, start: int, train_size: int) -> RowSampler:
  """The rows of a phase that begins at step `start`."""
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)

  def order(key, step):
    key = use_key(key, (step - start) // per_epoch, ORDER)
    return jax.random.permutation(key, train_size).astype(jnp.int32)

  def drawn(key, step):
    return jax.random.randint(use_key(key, step, DRAW), (taken,), 0, train_size)

  return RowSampler(order, drawn)


class Source(NamedTuple):
  """Source of a chunk's batches for one seed; part of the compiled program.

  begin: (state, data) -> carry, which iterations hand on
  take: (state, data, carry) -> batches int32 [k, B, T], carry
  axes: the seed axes of `data`, as `in_axes` of `vmap`
  """

  begin: Callable[[TrainState, Any], Any]
  take: Callable[[TrainState, Any, Any], tuple[Array, Any]]
  axes: Any


def resident(phase: Phase, start: int, train_size: int) -> Source:
  """The corpus int32 [N, T] is on the device, and rows are drawn there."""
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)
  made = rows(phase, start, train_size)

  def begin(state: TrainState, corpus: Array) -> Array:
    del corpus
    if not phase.epochs:
      return jnp.zeros((0,), jnp.int32)
    return made.order(state.key, state.step)

  def rows_of(state: TrainState, order: Array) -> tuple[Array, Array]:
    if not phase.epochs:
      return made.drawn(state.key, state.step), order
    local = state.step - start
    # A new permutation every epoch; the remainder of the corpus that does not
    # fill a batch is skipped.
    order = jax.lax.cond(
      local % per_epoch == 0,
      lambda: made.order(state.key, state.step),
      lambda: order,
    )
    at = local % per_epoch * taken
    return jax.lax.dynamic_slice(order, (at,), (taken,)), order

  def take(state: TrainState, corpus: Array, order: Array):
    chosen, order = rows_of(state, order)
    shape = (phase.update.batches, phase.batch_size, corpus.shape[1])
    return corpus[chosen].reshape(shape), order

  return Source(begin, take, None)


class Block(NamedTuple):
  """Batches from the host, see `stream`.

  tokens: int32 [n, k, B, T], for n iterations
  at: int32, the index among them at which a chunk begins
  """

  tokens: Any
  at: Any


def streamed() -> Source:
  """Batches of a `Block`; a chunk must not run beyond its end."""

  def take(state: TrainState, block: Block, at: Array):
    del state
    return jax.lax.dynamic_index_in_dim(
      block.tokens, at, keepdims=False
    ), at + 1

  return Source(lambda _, block: block.at, take, Block(0, None))
