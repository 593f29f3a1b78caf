"""Devices as a mesh with the axes `seed` and `data`.

The state [seeds, ...] is split along `seed` and whole along `data`; batches
are split along both. A chunk is one program over the whole mesh: a mean over
a batch is the mean over the global batch, and XLA adds the communication. No
part of a system knows of it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from moegan_jax.errors import UserError
from moegan_jax.ops.devices import DATA
from moegan_jax.types import Phase, TrainState

SEED = 'seed'  # the axis of the mesh that the seeds are split along


class Layout(NamedTuple):
  """Where the arrays of a program lie, on more than one device."""

  mesh: Mesh

  @property
  def whole(self) -> NamedSharding:
    """Of what every device has."""
    return NamedSharding(self.mesh, P())

  @property
  def seeds(self) -> NamedSharding:
    """Of arrays [seeds, ...]."""
    return NamedSharding(self.mesh, P(SEED))

  @property
  def blocks(self) -> NamedSharding:
    """Of batches [seeds, n, k, B, ...]."""
    return NamedSharding(self.mesh, P(SEED, None, None, DATA))

  @property
  def state(self) -> TrainState:
    """Of a state with its axis of seeds; a prefix of its pytree."""
    own = self.seeds
    return TrainState(step=self.whole, key=own, players=own, memory=own)


def layout(
  devices: Sequence[jax.Device], seeds: int, *, seed: int, data: int
) -> Layout | None:
  """The devices as a mesh; None for one, where nothing needs a place.

  Args:
    devices: all there are
    seeds: how many are trained side by side
    seed, data: size of either axis; 0 along the seeds is as many devices as
      divide them, 0 along the batch is what is left

  Raises:
    UserError: sizes that the devices or the seeds do not allow.
  """
  count = len(devices)
  for key, size in (('seed', seed), ('data', data)):
    if size < 0:
      raise UserError(f'config.mesh.{key}={size} must not be negative')
  seed = seed or math.gcd(seeds, count // (data or 1))
  if seed and seeds % seed:
    raise UserError(
      f'config.mesh.seed={seed} does not divide the {seeds} seeds that are '
      'trained side by side; 0 takes as many devices as divide them'
    )
  data = data or count // max(seed, 1)
  several = len({device.process_index for device in devices}) > 1
  if not 1 <= seed * data <= count or (several and seed * data < count):
    raise UserError(
      f'config.mesh: seed={seed} times data={data} needs {seed * data} '
      f'devices, there are {count}'
      + (' in all processes, each of which has to be used' * several)
      + '; 0 takes those there are'
    )
  if seed * data == 1:
    return None
  grid = np.array(devices[: seed * data]).reshape(seed, data)
  return Layout(Mesh(grid, (SEED, DATA), axis_types=(AxisType.Auto,) * 2))


def without_key(state: TrainState) -> TrainState:
  """The state with its keys as numbers."""
  return state.replace(key=jax.random.key_data(state.key))


def with_key(state: TrainState) -> TrainState:
  """What `without_key` was given."""
  return state.replace(key=jax.random.wrap_key_data(state.key))


def to_host(state: TrainState) -> TrainState:
  """A state on one device as arrays of NumPy, `without_key`."""
  return jax.tree.map(np.asarray, without_key(state))


def place(layout: Layout | None, state: TrainState) -> TrainState:
  """A state that lies on one device, spread over all."""
  if layout is None:
    return state
  if not layout.mesh.is_multi_process:
    return jax.device_put(state, layout.state)
  # All processes have all of it, and each keeps its part.
  return jax.jit(with_key, out_shardings=layout.state)(to_host(state))


def fetch(layout: Layout | None, state: TrainState) -> TrainState:
  """A state that is spread over all devices, on the first one alone.

  Of several processes each gets it, on a device of its own.
  """
  if layout is None:
    return state
  if not layout.mesh.is_multi_process:
    return jax.device_put(state, layout.mesh.devices.flat[0])
  whole = jax.jit(without_key, out_shardings=layout.whole)(state)
  return with_key(jax.tree.map(lambda x: x.addressable_data(0), whole))


def check_batches(layout: Layout | None, phases: Mapping[str, Phase]) -> None:
  """Refuses batches that do not divide over the devices.

  Raises:
    UserError: naming the setting.
  """
  size = layout.mesh.shape[DATA] if layout else 1
  for name, phase in phases.items():
    if phase.steps and phase.batch_size % size:
      key = phase.batch_key or f'{name}.batch'
      raise UserError(
        f'config.{key}={phase.batch_size} does not divide over the {size} '
        f'devices of config.mesh.data; take a multiple of {size}, or another '
        'mesh.data (1: one device)'
      )


def describe(layout: Layout | None) -> str:
  """How the devices are used, in words."""
  if layout is None:
    return 'one of them used'
  seed, data = layout.mesh.devices.shape
  return f'{seed} along the seeds, {data} along the batch'
