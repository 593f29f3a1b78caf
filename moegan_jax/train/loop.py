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
from moegan_jax.train.batches import Block, Source, resident
from moegan_jax.train.keys import UPDATE, use_key
from moegan_jax.train.mesh import SEED, Layout
from moegan_jax.types import Array, Batch, Phase, TrainState

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


def _all_finite(tree: Any) -> Array:
  """Whether all floating-point numbers of a pytree are finite."""
  floats = [
    x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)
  ]
  found = [jnp.isfinite(x).all() for x in floats]
  return jnp.stack(found).all() if found else jnp.bool_(True)


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
