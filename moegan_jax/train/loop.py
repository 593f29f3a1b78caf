"""The training loop: one compiled call runs a chunk of many iterations.

Minibatches are gathered on the device from a resident corpus, or the host
sends blocks of batches. The number of iterations is traced, so chunks of
different lengths share one program. All randomness derives from (key of the
seed, step, use), so a resumed run draws the same numbers as an unbroken run.
"""

import contextlib
import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.ops import devices
from moegan_jax.train.batches import Source, batch_of, resident
from moegan_jax.train.keys import UPDATE, use_key
from moegan_jax.train.mesh import SEED, Layout, prefix
from moegan_jax.types import Array, Phase, TrainState

# The seed axes of a TrainState, as `in_axes` of `vmap`. Seeds share the step.
SEEDS = prefix(None, 0)
# Maximum number of iterations in a chunk, which bounds the memory of `Report`.
LONGEST = 1024


class Report(NamedTuple):
  """The metrics of a chunk.

  Attributes:
    values: name -> [seeds, LONGEST], one value per iteration; zero beyond the
      length of the chunk.
    bad: name -> int32 [seeds], the first step whose value is not finite, or
      -1. The name 'state' stands for parameters and optimizer states.
  """

  values: dict[str, Array]
  bad: dict[str, Array]


def means(report: Report, count: int) -> dict[str, np.ndarray]:
  """Averages the metrics of a chunk.

  Args:
    report: the report of the chunk.
    count: iterations of the chunk.

  Returns:
    Name -> [seeds].
  """
  return {
    name: np.asarray(value)[..., :count].mean(-1, dtype=np.float64)
    for name, value in report.values.items()
  }


def init_seeds(
  init: Callable[[Array], TrainState], seed: int, count: int, copies: int = 1
) -> TrainState:
  """Initialises independent seeds.

  Seed i has the key fold_in(key(seed), i), so it does not depend on `count`.

  Args:
    init: key -> TrainState of one seed.
    seed: the seed of the run.
    count: number of seeds.
    copies: number of repetitions of all seeds, one after the other.

  Returns:
    A TrainState with the leading axis [copies * count].
  """
  keys = jax.vmap(jax.random.fold_in, (None, 0))(
    jax.random.key(seed), jnp.tile(jnp.arange(count), copies)
  )
  return jax.jit(jax.vmap(init, out_axes=SEEDS))(keys)


def enter(phase: Phase, state: TrainState) -> TrainState:
  """Applies `Phase.enter` to all seeds of a state."""
  mapped = jax.vmap(phase.enter, in_axes=(SEEDS,), out_axes=SEEDS)
  return jax.jit(mapped)(state)


def _all_finite(new: Any, old: Any) -> Array:
  """Returns whether all floating-point numbers that changed are finite.

  Arrays of one shape share a reduction, since each one is a kernel of its own.

  Args:
    new: a pytree.
    old: the pytree from which it was made; what is the same array in both was
      checked before.
  """
  shapes: dict[tuple[int, ...], list[Array]] = {}
  for x, before in zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True):
    if x is not before and jnp.issubdtype(x.dtype, jnp.inexact):
      shapes.setdefault(x.shape, []).append(jnp.isfinite(x))
  found = [
    functools.reduce(jnp.logical_and, group).all() for group in shapes.values()
  ]
  return jnp.stack(found).all() if found else jnp.bool_(True)


def make_chunk(phase: Phase, source: Source) -> Callable:
  """Creates the chunk of one seed.

  A seed that diverges keeps its last finite state, so a chunk always returns a
  finite state. A seed diverges if a metric, a parameter, an optimizer state or
  the memory is not finite.

  Args:
    phase: the phase to train.
    source: source of the batches.

  Returns:
    The function (state, count, data, alive=True) -> state, Report. `count` is
    the number of iterations, at most LONGEST. The seed is not trained if
    `alive` is False.
  """

  def iteration(state: TrainState, carry: Any, data: Any):
    rows, carry = source.take(state, data, carry)
    batch = batch_of(devices.split(rows, axis=1), phase.labelled)
    key = use_key(state.key, state.step, UPDATE)
    state, metrics = phase.update.apply(state, batch, key)
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
      made, old = (new.players, new.memory), (state.players, state.memory)
      good['state'] = _all_finite(made, old)
      bad = {
        k: jnp.where((bad[k] < 0) & ~good[k], state.step, bad[k]) for k in bad
      }
      alive = alive & jnp.stack(list(good.values())).all()
      players, memory = jax.tree.map(
        lambda a, b: a if a is b else jnp.where(alive, a, b), made, old
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
  """Maps a chunk over the seeds.

  For a single seed the axis is removed instead, since a CPU runs that program
  faster than one with a leading axis of size one.

  Args:
    chunk: (state, count, data, alive, own) -> state, Report, of one seed. `own`
      has the values of the settings in which the seeds differ.
    seeds: number of seeds.
    source: source of the batches.
    axis: name of the mesh axis along which the seeds are sharded, or None.

  Returns:
    The same function with a leading axis [seeds].
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
      parts = zip(source.axes, data, strict=True)
      data = type(data)(*(x if a is None else x[0] for a, x in parts))
    made, report = chunk(one, count, data, alive[0], first(own))
    key, players, memory = with_axis((made.key, made.players, made.memory))
    return TrainState(made.step, key, players, memory), with_axis(report)

  return alone


class Compiled(NamedTuple):
  """A compiled chunk.

  Attributes:
    call: (state, count, data, alive=None) -> state, Report. The state is
      donated. `alive` is bool [seeds]; None for all True.
    seconds: duration of the compilation.
    extra_bytes: temporary memory per device, without the arguments.
    program: the compiled program, for inspection.
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
  device: jax.Device | None = None,
) -> Compiled:
  """Compiles the chunk of a phase over all seeds ahead of time.

  The result never retraces; other shapes or dtypes raise an error. A program
  for an absent device can be inspected and not called.

  Args:
    phase: the phase to train.
    start: the step at which the phase begins.
    state: arrays or shapes, with the axis over seeds.
    data: data of the source, such as the corpus int32 [N, T], or [N, T + 1] of
      a phase with labels; see `batches.with_labels`.
    values: settings in which the seeds differ: name -> [seeds]; None without.
    phase_of: values of one seed, traced -> its phase. Required with values.
    layout: sharding over several devices; None for one device.
    source: source of the batches; None for a `resident` corpus.
    device: the device without a layout, which may be absent; None for the
      default device.
  """
  if values and phase_of is None:
    raise ValueError('compile_chunk: values require phase_of; pass it')
  begin = time.monotonic()
  values = values or {}
  seeds = state.key.shape[0]
  source = source or resident(phase, start, data.shape[0])

  def chunk(state: TrainState, count: Array, data: Any, alive, own: dict):
    made = phase_of(own) if own and phase_of else phase
    return make_chunk(made, source)(state, count, data, alive)

  axis = None if layout is None else SEED
  mapped = over_seeds(chunk, seeds, source, axis)
  places: dict[str, Any] = {}
  mesh: contextlib.AbstractContextManager = contextlib.nullcontext()
  if layout is not None:
    mesh = jax.set_mesh(layout.mesh)
    places = {
      'in_shardings': (
        layout.state,
        layout.whole,
        source.shardings(layout),
        layout.whole,
        layout.seeds,
      ),
      'out_shardings': (layout.state, layout.whole),
    }
  elif device is not None:
    place = jax.sharding.SingleDeviceSharding(device)
    places = {'in_shardings': place, 'out_shardings': place}
  count = jax.ShapeDtypeStruct((), jnp.int32)
  alive = jax.ShapeDtypeStruct((seeds,), bool)
  # The new state reuses the memory of the old one.
  jitted = jax.jit(mapped, donate_argnums=0, **places)
  if layout is not None:
    device = layout.mesh.devices.flat[0]
  with mesh, devices.compiling_for(device):
    compiled = jitted.lower(state, count, data, alive, values).compile()
  seconds = time.monotonic() - begin
  memory = compiled.memory_analysis()
  everyone = jnp.ones(seeds, bool)

  def call(state, count, data, alive=None):
    alive = everyone if alive is None else alive
    return compiled(state, count, data, alive, values)

  return Compiled(
    call, seconds, memory.temp_size_in_bytes if memory else 0, compiled
  )
