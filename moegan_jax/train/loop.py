"""The loop: a chunk of many iterations is one compiled call.

The corpus sits on the device, minibatches are drawn inside, the number of
iterations is a traced bound, so that nothing recompiles for a remainder. All
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


def make_chunk(phase: Phase, start: int, train_size: int) -> Callable:
  """One seed's chunk: (state, count, corpus [N, T], alive) -> state, Report.

  Alive is bool, True by default. A seed that is not, or whose losses,
  parameters or optimizers are not finite, keeps the state before that step:
  what a chunk returns is always a good state.

  Args:
    start: the step at which the phase begins
    train_size: N
  """
  taken = phase.batch_size * phase.update.batches
  per_epoch = steps_per_epoch(phase, train_size)

  def permutation(key, local):
    key = use_key(key, local // per_epoch, ORDER)
    return jax.random.permutation(key, train_size).astype(jnp.int32)

  def rows_of(state: TrainState, order: Array) -> tuple[Array, Array]:
    local = state.step - start
    if not phase.epochs:
      key = use_key(state.key, state.step, DRAW)
      return jax.random.randint(key, (taken,), 0, train_size), order
    # A fresh permutation each epoch; what is left of the corpus waits for the
    # next one, where it lands anywhere.
    order = jax.lax.cond(
      local % per_epoch == 0,
      lambda: permutation(state.key, local),
      lambda: order,
    )
    at = local % per_epoch * taken
    return jax.lax.dynamic_slice(order, (at,), (taken,)), order

  def iteration(state: TrainState, order: Array, corpus: Array):
    rows, order = rows_of(state, order)
    tokens = corpus[rows].reshape(
      phase.update.batches, phase.batch_size, corpus.shape[1]
    )
    tokens = devices.split(tokens, axis=1)
    key = use_key(state.key, state.step, UPDATE)
    state, metrics = phase.update.apply(state, Batch(tokens), key)
    return state.replace(step=state.step + 1), order, metrics

  def chunk(state: TrainState, count: Array, corpus: Array, alive=True):
    order = (
      permutation(state.key, state.step - start)
      if phase.epochs
      else jnp.zeros((0,), jnp.int32)
    )
    shapes = jax.eval_shape(iteration, state, order, corpus)[2]
    total = {name: jnp.float32(0) for name in shapes}
    bad = {name: jnp.int32(-1) for name in (*shapes, 'state')}

    def body(_, carry):
      state, order, total, bad, alive = carry
      new, order, metrics = iteration(state, order, corpus)
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
      return state, order, total, bad, alive

    state, _, total, bad, _ = jax.lax.fori_loop(
      0, count, body, (state, order, total, bad, jnp.asarray(alive))
    )
    return state, Report({k: v / count for k, v in total.items()}, bad)

  return chunk


def over_seeds(
  chunk: Callable, seeds: int, axis: str | None = None
) -> Callable:
  """The chunk of one seed, (state, count, corpus, alive, own), for all seeds.

  A single one is taken off its axis: the program is that of one seed then,
  which a CPU runs faster than one with an axis of one in front of everything.

  Args:
    axis: of the mesh that the seeds are split along, if there is one
  """
  if seeds > 1:
    axes = (SEEDS, None, None, 0, 0)
    return jax.vmap(chunk, axes, (SEEDS, 0), spmd_axis_name=axis)

  def alone(state: TrainState, count: Array, corpus: Array, alive, own: dict):
    def first(tree):
      return jax.tree.map(lambda x: x[0], tree)

    def with_axis(tree):
      return jax.tree.map(lambda x: x[None], tree)

    key, players, memory = first((state.key, state.players, state.memory))
    one = TrainState(state.step, key, players, memory)
    made, report = chunk(one, count, corpus, alive[0], first(own))
    key, players, memory = with_axis((made.key, made.players, made.memory))
    return TrainState(made.step, key, players, memory), with_axis(report)

  return alone


class Compiled(NamedTuple):
  """A chunk as machine code.

  call: (state, count, corpus, alive=None) -> state, Report; it takes the
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
  corpus: Array,
  values: dict[str, Array] | None = None,
  phase_of: Callable[[dict[str, Array]], Phase] | None = None,
  where: Layout | None = None,
) -> Compiled:
  """Compiles a phase's chunk over all seeds, ahead of time.

  What comes back cannot retrace: other shapes or types are an error.

  Args:
    start: the step at which the phase begins
    values: settings in which the seeds differ, name -> [seeds]; mostly none
    phase_of: makes the phase of one seed from its values, inside of the
      program, where they are arrays; wanted where there are values
    where: the devices, if there are several; the state must lie there
  """
  begin = time.monotonic()
  values = values or {}
  everyone = jnp.ones(len(state.key), bool)

  def chunk(state: TrainState, count: Array, corpus: Array, alive, own: dict):
    made = phase_of(own) if own else phase
    return make_chunk(made, start, corpus.shape[0])(state, count, corpus, alive)

  several = where is not None
  mapped = over_seeds(chunk, len(state.key), SEED if several else None)
  places, mesh = {}, contextlib.nullcontext()
  if several:
    mesh = jax.set_mesh(where.mesh)
    given = (where.state, where.whole, where.whole, where.whole, where.seeds)
    places = {
      'in_shardings': given,
      'out_shardings': (where.state, where.whole),
    }
  # The state is donated: its memory serves the new state.
  jitted = jax.jit(mapped, donate_argnums=0, **places)
  with mesh:
    lowered = jitted.lower(state, jnp.int32(1), corpus, everyone, values)
    compiled = lowered.compile()
  memory = compiled.memory_analysis()

  def call(state, count, corpus, alive=None):
    alive = everyone if alive is None else alive
    return compiled(state, count, corpus, alive, values)

  return Compiled(
    call,
    time.monotonic() - begin,
    memory.temp_size_in_bytes if memory else 0,
    compiled,
  )
