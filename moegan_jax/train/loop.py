"""The training loop: one compiled call runs a chunk of many iterations.

The corpus is on the device and minibatches are drawn inside the chunk, or the
host sends blocks of batches. The number of iterations is a traced bound, so a
shorter chunk does not recompile. All randomness comes from (key of the seed,
step, use): a resumed run draws the same numbers as an unbroken one.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.ops import devices
from moegan_jax.train.mesh import SEED, Layout
from moegan_jax.types import Array, Batch, Phase, TrainState

# Uses of a key. Each is folded into the key, so that no key is used twice.
ORDER, DRAW, UPDATE, EVALUATE = range(4)

# All seeds share the step; everything else has a leading axis [seeds].
SEEDS = TrainState(step=None, key=0, players=0, memory=0)


# Iterations per chunk at most: the metrics of each are kept until its end.
LONGEST = 1024


class Report(NamedTuple):
  """The metrics of a chunk.

  values: name -> [seeds, LONGEST], of each iteration; entries beyond the
    chunk's length are zero
  bad: name -> int32 [seeds], the first step whose value is not finite, or -1;
    'state' are parameters and optimizer states
  """

  values: dict[str, Array]
  bad: dict[str, Array]


def means(report: Report, count: int) -> dict[str, np.ndarray]:
  """The mean of each metric over a chunk of `count` iterations: [seeds]."""
  return {
    name: np.asarray(value)[..., :count].mean(-1, dtype=np.float64)
    for name, value in report.values.items()
  }


def use_key(key: Array, step: Array | int, use: int) -> Array:
  """The key of one seed for one use at one step."""
  return jax.random.fold_in(jax.random.fold_in(key, step), use)


def init_seeds(
  init: Callable[[Array], TrainState], seed: int, count: int, copies: int = 1
) -> TrainState:
  """The initial state, with a leading axis over `count` independent seeds.

  Seed i of a run has the key fold_in(key(seed), i), whatever their number.

  Args:
    copies: repetitions of the whole set of seeds, one after the other
  """
  keys = jax.vmap(jax.random.fold_in, (None, 0))(
    jax.random.key(seed), jnp.tile(jnp.arange(count), copies)
  )
  return jax.jit(jax.vmap(init, out_axes=SEEDS))(keys)


def enter(phase: Phase, state: TrainState) -> TrainState:
  """Applies the entry action of a phase to all seeds."""
  mapped = jax.vmap(phase.enter, in_axes=(SEEDS,), out_axes=SEEDS)
  return jax.jit(mapped)(state)


def steps_per_epoch(phase: Phase, train_size: int) -> int:
  """Iterations in a pass over the corpus."""
  return max(1, train_size // (phase.batch_size * phase.update.batches))


def _all_finite(tree: Any) -> Array:
  """Whether all floating-point numbers of a pytree are finite."""
  floats = [
    x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)
  ]
  found = [jnp.isfinite(x).all() for x in floats]
  return jnp.stack(found).all() if found else jnp.bool_(True)


class Rows(NamedTuple):
  """Rows of the corpus that an iteration uses, for one seed.

  order: (key, step) -> int32 [N], the permutation of the epoch of that step,
    whose iterations take consecutive slices of it
  drawn: (key, step) -> int32 [k * B], drawn with replacement for that step
  """

  order: Callable[[Array, Array], Array]
  drawn: Callable[[Array, Array], Array]


def rows(phase: Phase, start: int, train_size: int) -> Rows:
  """The rows of a phase that begins at step `start`."""
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)

  def order(key, step):
    key = use_key(key, (step - start) // per_epoch, ORDER)
    return jax.random.permutation(key, train_size).astype(jnp.int32)

  def drawn(key, step):
    return jax.random.randint(use_key(key, step, DRAW), (taken,), 0, train_size)

  return Rows(order, drawn)


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


def make_chunk(phase: Phase, source: Source) -> Callable:
  """The chunk of one seed: (state, count, data, alive) -> state, Report.

  `alive` is a bool, True by default. A seed that is not alive, or whose
  metrics, parameters or optimizer states are not finite, keeps the state before
  that step: a chunk always returns a finite state. `count` is at most LONGEST.
  """

  def iteration(state: TrainState, carry: Any, data: Any):
    tokens, carry = source.take(state, data, carry)
    tokens = devices.split(tokens, axis=1)
    key = use_key(state.key, state.step, UPDATE)
    state, metrics = phase.update.apply(state, Batch(tokens), key)
    return state.replace(step=state.step + 1), carry, metrics

  def chunk(state: TrainState, count: Array, data: Any, alive=True):
    first = source.begin(state, data)
    shapes = jax.eval_shape(iteration, state, first, data)[2]
    values = {name: jnp.zeros(LONGEST) for name in shapes}
    bad = {name: jnp.int32(-1) for name in (*shapes, 'state')}

    def body(i, carried):
      state, carry, values, bad, alive = carried
      new, carry, metrics = iteration(state, carry, data)
      values = {k: v.at[i].set(metrics[k]) for k, v in values.items()}
      good = {k: jnp.isfinite(v) for k, v in metrics.items()}
      good['state'] = _all_finite(new.players)
      bad = {
        k: jnp.where((bad[k] < 0) & ~good[k], state.step, bad[k]) for k in bad
      }
      alive = alive & jnp.stack(list(good.values())).all()
      players, memory = jax.tree.map(
        lambda a, b: jnp.where(alive, a, b),
        (new.players, new.memory),
        (state.players, state.memory),
      )
      state = new.replace(players=players, memory=memory)
      return state, carry, values, bad, alive

    state, _, values, bad, _ = jax.lax.fori_loop(
      0, count, body, (state, first, values, bad, jnp.asarray(alive))
    )
    return state, Report(values, bad)

  return chunk


def over_seeds(
  chunk: Callable, seeds: int, source: Source, axis: str | None = None
) -> Callable:
  """The chunk (state, count, data, alive, own) of one seed, for all seeds.

  A single seed loses its axis: a CPU runs that program faster than one with a
  leading axis of size one.

  Args:
    axis: of the mesh that the seeds are split along, if there is one
  """
  if seeds > 1:
    axes = (SEEDS, None, source.axes, 0, 0)
    return jax.vmap(chunk, axes, (SEEDS, 0), spmd_axis_name=axis)

  def alone(state: TrainState, count: Array, data: Any, alive, own: dict):
    def first(tree):
      return jax.tree.map(lambda x: x[0], tree)

    def with_axis(tree):
      return jax.tree.map(lambda x: x[None], tree)

    key, players, memory = first((state.key, state.players, state.memory))
    one = TrainState(state.step, key, players, memory)
    if source.axes is not None:
      data = data._replace(tokens=data.tokens[0])
    made, report = chunk(one, count, data, alive[0], first(own))
    key, players, memory = with_axis((made.key, made.players, made.memory))
    return TrainState(made.step, key, players, memory), with_axis(report)

  return alone


class Compiled(NamedTuple):
  """A compiled chunk.

  call: (state, count, data, alive=None) -> state, Report; the state is donated;
    alive is bool [seeds], all True by default
  seconds: duration of the compilation
  extra_bytes: memory besides its arguments, per device
  program: the compiled program, for inspection
  """

  call: Callable[..., tuple[TrainState, Report]]
  seconds: float
  extra_bytes: int
  program: jax.stages.Compiled


def compile_chunk(
  phase: Phase,
  start: int,
  state: TrainState,
  data: Any,
  values: dict[str, Array] | None = None,
  phase_of: Callable[[dict[str, Array]], Phase] | None = None,
  layout: Layout | None = None,
  source: Source | None = None,
) -> Compiled:
  """Compiles a phase's chunk over all seeds, ahead of time.

  The result cannot retrace: other shapes or types are an error.

  Args:
    start: the step at which the phase begins
    data: of the source: the corpus [N, T], or a `Block`
    values: settings in which the seeds differ, name -> [seeds]; mostly empty
    phase_of: values of one seed, traced -> its phase; needed if there are any
    layout: of the state, if there are several devices
    source: `streamed` for a `Block`; None: `resident`
  """
  begin = time.monotonic()
  values = values or {}
  everyone = jnp.ones(len(state.key), bool)

  source = source or resident(phase, start, data.shape[0])

  def chunk(state: TrainState, count: Array, data: Any, alive, own: dict):
    made = phase_of(own) if own else phase
    return make_chunk(made, source)(state, count, data, alive)

  several = layout is not None
  axis = SEED if several else None
  mapped = over_seeds(chunk, len(state.key), source, axis)
  places, mesh = {}, contextlib.nullcontext()
  if several:
    mesh = jax.set_mesh(layout.mesh)
    given = Block(layout.blocks, layout.whole) if source.axes else layout.whole
    places = {
      'in_shardings': (
        layout.state,
        layout.whole,
        given,
        layout.whole,
        layout.seeds,
      ),
      'out_shardings': (layout.state, layout.whole),
    }
  # The state is donated: its memory serves the new state.
  jitted = jax.jit(mapped, donate_argnums=0, **places)
  with mesh:
    lowered = jitted.lower(state, jnp.int32(1), data, everyone, values)
    compiled = lowered.compile()
  memory = compiled.memory_analysis()

  def call(state, count, data, alive=None):
    alive = everyone if alive is None else alive
    return compiled(state, count, data, alive, values)

  return Compiled(
    call,
    time.monotonic() - begin,
    memory.temp_size_in_bytes if memory else 0,
    compiled,
  )
