"""What the devices do in training, and nothing else.

Whoever drives an engine decides, reads and writes; the engine takes a state,
trains it and gives it back. Of several processes each has one (`processes`).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.train import loop, mesh, stream
from moegan_jax.train.mesh import Layout
from moegan_jax.train.stages import stages
from moegan_jax.types import Array, System, TrainState


class Engine:
  """Trains the phases of a system, one at a time.

  names: of the phases, in their order
  layout: the devices, if there are several
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
    """Prepares nothing yet.

    Args:
      slowed: the system with all learning rates multiplied by a factor
      tokens: the corpus, int32 [N, T]
      streamed: see `stream.feed`
      values, system_of: settings in which the seeds differ, see `run.Members`
    """
    self.names, self.layout = list(system.phases), layout
    self._system, self._slowed = system, slowed
    self._tokens, self._streamed = tokens, streamed
    self._values, self._system_of = values, system_of
    self._starts = {s.name: s.start for s in stages(system.phases)}
    self._feed = None

  def begin(self, name: str, state: TrainState, rate: float) -> loop.Compiled:
    """Takes a state at some step of a phase, and compiles the phase.

    Args:
      rate: what learning rates are multiplied by
    """
    system = self._system if rate == 1 else self._slowed(rate)
    phase, start = system.phases[name], self._starts[name]
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
      lambda own: self._system_of(own).phases[name],
      self.layout,
      self._feed.source,
    )
    return self._compiled

  def run(self, count: int, alive: Array) -> tuple[int, loop.Report]:
    """Trains so many iterations, or as many as one chunk can be.

    Args:
      alive: bool [seeds], those that are still trained

    Returns:
      how many it were, and what is to be said of them.
    """
    data, room = self._feed.at(self._step)
    count = min(count, room, loop.LONGEST)
    self._state, report = jax.block_until_ready(
      self._compiled.call(self._state, jnp.int32(count), data, alive)
    )
    self._step += count
    return count, report

  def fetch(self) -> TrainState:
    """The state, on one device; for use before the next `run`."""
    return mesh.fetch(self.layout, self._state)

  def end(self) -> None:
    """Gives free what a phase has needed."""
    if self._feed is not None:
      self._feed.close()
    self._feed = self._state = self._compiled = None
