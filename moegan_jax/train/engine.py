"""The engine: trains a state on the devices.

The caller decides what to train, and reads and writes files. With several
processes, each has an engine; see `processes`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.train import loop, mesh, stream
from moegan_jax.train.mesh import Layout
from moegan_jax.train.stages import stages
from moegan_jax.types import Array, System, TrainState

_NOT_BEGUN = 'no phase has begun; call `begin` first'


class Engine:
  """Trains the phases of a system, one at a time.

  Attributes:
    names: names of the phases in order.
    layout: sharding over several devices; None for one device.
  """

  def __init__(
    self,
    system: System,
    slowed: Callable[[float], System],
    tokens: np.ndarray,
    layout: Layout | None,
    streamed: bool,
    values: dict[str, Array],
    system_of: Callable[[dict[str, Array]], System] | None,
  ):
    """Stores the arguments. Nothing is compiled before `begin`.

    Args:
      system: the system to train.
      slowed: factor -> the system with all learning rates multiplied by it.
      tokens: the corpus, int32 [N, T], or [N, T + 1] with labels; see
        `batches.with_labels`.
      layout: sharding over several devices; None for one device.
      streamed: see `stream.feed`.
      values: settings in which the seeds differ: dotted key -> [seeds].
      system_of: values of one seed, traced -> its system; None without values.
    """
    self.names, self.layout = list(system.phases), layout
    self._system, self._slowed = system, slowed
    self._tokens, self._streamed = tokens, streamed
    self._values, self._system_of = values, system_of
    self._starts = {s.name: s.start for s in stages(system.phases)}
    self._feed: stream.Resident | stream.Stream | None = None
    self._state: TrainState | None = None
    self._compiled: loop.Compiled | None = None

  def begin(self, name: str, state: TrainState, rate: float) -> loop.Compiled:
    """Compiles a phase and places a state on the devices.

    Args:
      name: name of the phase.
      state: at any step of the phase, with the axis over seeds.
      rate: factor of all learning rates.

    Returns:
      The compiled chunk.
    """
    system = self._system if rate == 1 else self._slowed(rate)
    phase, start = system.phases[name], self._starts[name]
    system_of = self._system_of
    self._step = int(state.step)
    self._feed = stream.feed(
      self._tokens, phase, start, state, self.layout, self._streamed
    )
    self._state = mesh.place(self.layout, state)
    self._compiled = loop.compile_chunk(
      phase,
      start,
      self._state,
      self._feed.at(self._step)[0],
      self._values,
      (lambda own: system_of(own).phases[name]) if system_of else None,
      self.layout,
      self._feed.source,
    )
    return self._compiled

  def run(self, count: int, alive: Array) -> tuple[int, loop.Report]:
    """Trains one chunk.

    Args:
      count: iterations to run, limited by `loop.LONGEST` and the block of a
        stream.
      alive: bool [seeds]; False for seeds that diverged.

    Returns:
      The number of iterations that were run, and their report.
    """
    if self._feed is None or self._state is None or self._compiled is None:
      raise RuntimeError(_NOT_BEGUN)
    data, room = self._feed.at(self._step)
    count = min(count, room, loop.LONGEST)
    self._state, report = jax.block_until_ready(
      self._compiled.call(self._state, jnp.int32(count), data, alive)
    )
    self._step += count
    return count, report

  def fetch(self) -> TrainState:
    """Returns the state on one device. The next `run` may overwrite it."""
    if self._state is None:
      raise RuntimeError(_NOT_BEGUN)
    return mesh.fetch(self.layout, self._state)

  def end(self) -> None:
    """Releases the memory and the thread of a phase."""
    if self._feed is not None:
      self._feed.close()
    self._feed = self._state = self._compiled = None
