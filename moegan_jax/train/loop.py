"""The loop: a chunk of many iterations is one compiled call.

The corpus sits on the device and minibatches are drawn inside, or blocks of
them come from the host; the number of iterations is a traced bound, so that
nothing recompiles for a remainder. All
randomness comes from (key of the seed, step, use): a resumed run draws what an
unbroken one would have drawn.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.ops import devices
from moegan_jax.train.mesh import SEED, Layout
from moegan_jax.types import Array, Batch, Phase, TrainState

# Uses of a key; each is folded into it, so none is used twice.
ORDER, DRAW, UPDATE, EVALUATE = range(4)

# The step is one for all seeds; everything else has a leading axis [seeds].
SEEDS = TrainState(step=None, key=0, players=0, memory=0)


class Report(NamedTuple):
  """What a chunk says of its iterations.

  mean: name -> [seeds], the mean over the chunk's iterations
  bad: name -> int32 [seeds], the first step whose value is not finite, or -1;
    'state' are parameters and optimizers
  """

  mean: dict[str, Array]
  bad: dict[str, Array]


def use_key(key: Array, step: Array | int, use: int) -> Array:
  """The key of one seed for one use at one step."""
  return jax.random.fold_in(jax.random.fold_in(key, step), use)


def init_seeds(
  init: Callable[[Array], TrainState], seed: int, count: int, copies: int = 1
) -> TrainState:
  """The state at the start, with an axis over `count` independent seeds.

  Seed number i of a run has the key fold_in(key(seed), i), whatever the
  number of seeds.

  Args:
    copies: how often the seeds come, one set after the other
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
  """Whether all numbers of a pytree are finite."""
  floats = [
    x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)
  ]
  found = [jnp.isfinite(x).all() for x in floats]
  return jnp.stack(found).all() if found else jnp.bool_(True)


class Rows(NamedTuple):
  """Which rows of the corpus an iteration takes, for one seed.

  order: (key, step) -> int32 [N], the permutation of the epoch of that step;
    an epoch takes it stretch by stretch
  drawn: (key, step) -> int32 [k * B], with replacement, of that step alone
  """

  order: Callable[[Array, Array], Array]
  drawn: Callable[[Array, Array], Array]


def rows(phase: Phase, start: int, train_size: int) -> Rows:
  """The rows of a phase that begins at the step `start`."""
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)

  def order(key, step):
    key = use_key(key, (step - start) // per_epoch, ORDER)
    return jax.random.permutation(key, train_size).astype(jnp.int32)

  def drawn(key, step):
    return jax.random.randint(use_key(key, step, DRAW), (taken,), 0, train_size)

  return Rows(order, drawn)


class Source(NamedTuple):
  """Where a chunk finds its batches, for one seed; a part of the program.

  begin: (state, data) -> what one iteration leaves to the next
  take: (state, data, left) -> batches int32 [k, B, T], left
  axes: those of `data` over the seeds, as `vmap` wants them
  """

  begin: Callable[[TrainState, Any], Any]
  take: Callable[[TrainState, Any, Any], tuple[Array, Any]]
  axes: Any


def resident(phase: Phase, start: int, train_size: int) -> Source:
  """The corpus int32 [N, T] sits on the device, and rows are drawn there."""
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
    # A fresh permutation each epoch; what is left of the corpus waits for the
    # next one, where it lands anywhere.
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
  """Batches that come from the host, see `stream`.

  tokens: int32 [n, k, B, T], of n iterations
  at: int32, the one among them with which a chunk begins
  """

  tokens: Any
  at: Any


def streamed() -> Source:
  """A `Block` has the batches; more iterations than it has are a mistake."""

  def take(state: TrainState, block: Block, at: Array):
    del state
    return jax.lax.dynamic_index_in_dim(
      block.tokens, at, keepdims=False
    ), at + 1

  return Source(lambda _, block: block.at, take, Block(0, None))


def make_chunk(phase: Phase, source: Source) -> Callable:
  """One seed's chunk: (state, count, data, alive) -> state, Report.

  Alive is bool, True by default. A seed that is not, or whose losses,
  parameters or optimizers are not finite, keeps the state before that step:
  what a chunk returns is always a good state.
  """

  def iteration(state: TrainState, left: Any, data: Any):
    tokens, left = source.take(state, data, left)
    tokens = devices.split(tokens, axis=1)
    key = use_key(state.key, state.step, UPDATE)
    state, metrics = phase.update.apply(state, Batch(tokens), key)
    return state.replace(step=state.step + 1), left, metrics

  def chunk(state: TrainState, count: Array, data: Any, alive=True):
    left = source.begin(state, data)
    shapes = jax.eval_shape(iteration, state, left, data)[2]
    total = {name: jnp.float32(0) for name in shapes}
    bad = {name: jnp.int32(-1) for name in (*shapes, 'state')}

    def body(_, carry):
      state, left, total, bad, alive = carry
      new, left, metrics = iteration(state, left, data)
      total = {k: total[k] + metrics[k] for k in total}
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
      return state, left, total, bad, alive

    state, _, total, bad, _ = jax.lax.fori_loop(
      0, count, body, (state, left, total, bad, jnp.asarray(alive))
    )
    return state, Report({k: v / count for k, v in total.items()}, bad)

  return chunk


def over_seeds(
  chunk: Callable, seeds: int, source: Source, axis: str | None = None
) -> Callable:
  """The chunk of one seed, (state, count, data, alive, own), for all seeds.

  A single one is taken off its axis: the program is that of one seed then,
  which a CPU runs faster than one with an axis of one in front of everything.

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
  """A chunk as machine code.

  call: (state, count, data, alive=None) -> state, Report; it takes the
    state's memory; alive is bool [seeds], all by default
  seconds: what compilation took
  extra_bytes: memory it needs besides its arguments, on each device
  program: the machine code itself, for who wants to look into it
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
  where: Layout | None = None,
  source: Source | None = None,
) -> Compiled:
  """Compiles a phase's chunk over all seeds, ahead of time.

  What comes back cannot retrace: other shapes or types are an error.

  Args:
    start: the step at which the phase begins
    data: what the source reads; the corpus [N, T], or a `Block`
    values: settings in which the seeds differ, name -> [seeds]; mostly none
    phase_of: makes the phase of one seed from its values, inside of the
      program, where they are arrays; wanted where there are values
    where: the devices, if there are several; the state must lie there
    source: `streamed` for a `Block`; None is `resident`
  """
  begin = time.monotonic()
  values = values or {}
  everyone = jnp.ones(len(state.key), bool)

  source = source or resident(phase, start, data.shape[0])

  def chunk(state: TrainState, count: Array, data: Any, alive, own: dict):
    made = phase_of(own) if own else phase
    return make_chunk(made, source)(state, count, data, alive)

  several = where is not None
  axis = SEED if several else None
  mapped = over_seeds(chunk, len(state.key), source, axis)
  places, mesh = {}, contextlib.nullcontext()
  if several:
    mesh = jax.set_mesh(where.mesh)
    given = Block(where.blocks, where.whole) if source.axes else where.whole
    places = {
      'in_shardings': (
        where.state,
        where.whole,
        given,
        where.whole,
        where.seeds,
      ),
      'out_shardings': (where.state, where.whole),
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
