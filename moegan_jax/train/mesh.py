"""Sharding over a device mesh with the axes `seed` and `data`.

The state [seeds, ...] is sharded along `seed` and replicated along `data`;
batches are sharded along both. A chunk is one program over the whole mesh, so
a mean over a batch is the mean over the global batch. XLA adds the
communication, and systems need no changes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from moegan_jax.errors import UserError
from moegan_jax.ops.devices import DATA
from moegan_jax.types import Phase, TrainState

SEED = 'seed'  # name of the mesh axis along which seeds are sharded


class Layout(NamedTuple):
  """Shardings of the arrays of a program on several devices.

  Attributes:
    mesh: the devices, with the axes SEED and DATA.
  """

  mesh: Mesh

  @property
  def whole(self) -> NamedSharding:
    """Sharding of replicated arrays."""
    return NamedSharding(self.mesh, P())

  @property
  def seeds(self) -> NamedSharding:
    """Sharding of arrays [seeds, ...]."""
    return NamedSharding(self.mesh, P(SEED))

  @property
  def blocks(self) -> NamedSharding:
    """Sharding of batches [seeds, n, k, B, ...]."""
    return NamedSharding(self.mesh, P(SEED, None, None, DATA))

  @property
  def state(self) -> TrainState:
    """Shardings of a state with its axis over seeds, as a pytree prefix."""
    return prefix(self.whole, self.seeds)


def prefix(step: Any, rest: Any) -> TrainState:
  """Builds a pytree prefix of a state, such as its shardings.

  Args:
    step: the leaf for `step`.
    rest: the leaf for every other field.
  """
  return TrainState(step=step, key=rest, players=rest, memory=rest)


def layout(
  devices: Sequence[jax.Device], seeds: int, *, seed: int, data: int
) -> Layout | None:
  """Arranges devices as a mesh.

  Args:
    devices: all devices.
    seeds: number of seeds that are trained together.
    seed: devices along the seeds; 0 for the largest possible number that
      divides the seeds.
    data: devices along the batch; 0 for the remaining devices.

  Returns:
    The layout; None if it has one device.

  Raises:
    UserError: the sizes do not fit the devices or the seeds.
  """
  count = len(devices)
  for key, size in (('seed', seed), ('data', data)):
    if size < 0:
      raise UserError(f'mesh.{key}={size} must not be negative; use 0 or more')
  seed = seed or math.gcd(seeds, count // (data or 1))
  if seed and seeds % seed:
    raise UserError(
      f'mesh.seed={seed} does not divide the {seeds} seeds that are '
      'trained together; use a divisor, or 0 to choose one'
    )
  data = data or count // max(seed, 1)
  several = len({device.process_index for device in devices}) > 1
  if not 1 <= seed * data <= count or (several and seed * data < count):
    raise UserError(
      f'mesh.seed={seed} times mesh.data={data} needs {seed * data} '
      f'devices, there are {count}'
      + (' in all processes, and all must be used' * several)
      + '; use 0 to fit the devices'
    )
  if seed * data == 1:
    return None
  grid = np.array(devices[: seed * data]).reshape(seed, data)
  return Layout(Mesh(grid, (SEED, DATA), axis_types=(AxisType.Auto,) * 2))


def without_key(state: TrainState) -> TrainState:
  """Replaces the typed keys of a state by their key data."""
  return state.replace(key=jax.random.key_data(state.key))


def with_key(state: TrainState) -> TrainState:
  """Inverts `without_key`."""
  return state.replace(key=jax.random.wrap_key_data(state.key))


def to_host(state: TrainState) -> TrainState:
  """Converts a state on one device to NumPy arrays, without typed keys."""
  return jax.tree.map(np.asarray, without_key(state))


def place(layout: Layout | None, state: TrainState) -> TrainState:
  """Shards a state over the devices.

  Args:
    layout: the sharding; None returns the state unchanged.
    state: on one device, with the axis over seeds.
  """
  if layout is None:
    return state
  if not layout.mesh.is_multi_process:
    return jax.device_put(state, layout.state)
  # Every process passes the whole state and keeps its shard.
  return jax.jit(with_key, out_shardings=layout.state)(to_host(state))


def fetch(layout: Layout | None, state: TrainState) -> TrainState:
  """Gathers a sharded state on one device.

  With several processes, each gets the state on a device of its own.

  Args:
    layout: the sharding; None returns the state unchanged.
    state: as `place` returned it.
  """
  if layout is None:
    return state
  if not layout.mesh.is_multi_process:
    return jax.device_put(state, layout.mesh.devices.flat[0])
  whole = jax.jit(without_key, out_shardings=layout.whole)(state)
  return with_key(jax.tree.map(lambda x: x.addressable_data(0), whole))


def check_batches(layout: Layout | None, phases: Mapping[str, Phase]) -> None:
  """Checks that the batches of all phases divide over the devices.

  Args:
    layout: the sharding; None for one device.
    phases: name -> Phase.

  Raises:
    UserError: a batch size is not a multiple of the devices along `data`.
  """
  size = layout.mesh.shape[DATA] if layout else 1
  for name, phase in phases.items():
    if phase.steps and phase.batch_size % size:
      key = phase.batch_key or f'{name}.batch'
      raise UserError(
        f'{key}={phase.batch_size} does not divide over the {size} '
        f'devices of mesh.data; use a multiple of {size}, or another '
        '--config.mesh.data (1 for one device)'
      )


def describe(layout: Layout | None) -> str:
  """Describes how many devices are used along each axis."""
  if layout is None:
    return 'one of them is used'
  seed, data = layout.mesh.devices.shape
  return f'{seed} along the seeds, {data} along the batch'
