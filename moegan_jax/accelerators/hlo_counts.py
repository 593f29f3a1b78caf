"""Counts what an iteration of a chunk launches, moves and sends.

The counts are those of the optimised module: each instruction counts as often
as the trip counts of the loops around it say. `train.loop.make_chunk` runs the
iterations in a loop whose number of trips is traced and therefore unknown. The
body of this loop is an iteration.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from moegan_jax.accelerators import hlo_bytes, hlo_trips
from moegan_jax.accelerators.hlo_text import (
  Computation,
  HloModule,
  Instruction,
)

# Opcodes that start no work on the device. What `call` and the others that run
# computations start is counted in these computations.
_FREE = {
  'add-dependency',
  'after-all',
  'bitcast',
  'constant',
  'domain',
  'get-dimension-size',
  'get-tuple-element',
  'opt-barrier',
  'parameter',
  'partition-id',
  'replica-id',
  'tuple',
}
_RUNS = {'async-start', 'call', 'conditional', 'while'}
# Custom calls that only reserve memory or rename it.
_FREE_TARGETS = {'AllocateBuffer'}
# Opcodes that start work also if all arrays are scalars. Other operations on
# scalars are left outside of fusions only for the scalar unit of a TPU.
_WORK = ('copy', 'custom-call', 'fusion')
COLLECTIVES = (
  'all-gather',
  'all-reduce',
  'all-to-all',
  'collective-broadcast',
  'collective-permute',
  'ragged-all-to-all',
  'reduce-scatter',
)
# Opcodes and targets of custom calls that exchange data with the host.
_HOST = {'infeed', 'outfeed', 'recv', 'send'}
_HOST_TARGETS = ('callback', 'host')


class Counts(NamedTuple):
  """What a part of a program does on one device.

  Attributes:
    kernels: kind -> number. A kind is an opcode, or the target of a custom
      call. The first half of an asynchronous operation counts.
    collectives: kind -> number, also those inside of fusions.
    sent: kind of collective -> bytes of its operands, of its result for
      all-gather.
    accessed: bytes of device memory that kernels read and write; see
      `hlo_bytes`.
  """

  kernels: Counter[str]
  collectives: Counter[str]
  sent: Counter[str]
  accessed: float

  @property
  def launches(self) -> int:
    """Number of kernels of all kinds."""
    return self.kernels.total()

  def plus(self, other: 'Counts', times: int = 1) -> 'Counts':
    """Returns the sum with a part that runs several times."""

    def added(a: Counter[str], b: Counter[str]) -> Counter[str]:
      return Counter({k: a[k] + times * b[k] for k in a.keys() | b.keys()})

    return Counts(
      added(self.kernels, other.kernels),
      added(self.collectives, other.collectives),
      added(self.sent, other.sent),
      self.accessed + times * other.accessed,
    )


class Loop(NamedTuple):
  """A loop inside of an iteration.

  Attributes:
    runs: how often an iteration runs it, from the trip counts around it.
    trips: its trip count; None if it is unknown and counted as one.
    each: counts of one trip with all loops inside of it.
    depth: number of loops around it.
  """

  runs: int
  trips: int | None
  each: Counts
  depth: int


class Iteration(NamedTuple):
  """The counts of one iteration.

  Attributes:
    most: each conditional counts as its largest branch.
    least: each conditional counts as its smallest branch.
    loops: the loops, outer ones first, with the largest branches.
  """

  most: Counts
  least: Counts
  loops: list[Loop]


def nothing() -> Counts:
  """Returns the counts of an empty program."""
  return Counts(Counter(), Counter(), Counter(), 0.0)


def iteration(module: HloModule) -> Iteration:
  """Counts one iteration of a chunk.

  Args:
    module: the optimised module of a chunk.

  Raises:
    ValueError: the module has no loop with an unknown number of trips.
  """
  module = hlo_trips.resolve(module)
  most, least = Tally(module, max), Tally(module, min)
  found = [
    one
    for one in _reached(module, module.entry)
    if one.opcode == 'while' and one.trips is None
  ]
  if not found:
    raise ValueError('the program has no loop over iterations')
  outer = max(found, key=lambda one: most.trip(one).launches)
  return Iteration(
    most.trip(outer), least.trip(outer), list(most.loops(outer, 1, 0))
  )


class Tally:
  """Counts computations, each of them once."""

  def __init__(self, module: HloModule, branch: Callable):
    """Stores the arguments.

    Args:
      module: the module.
      branch: `max` or `min`, the branch of a conditional that counts.
    """
    self._module, self._branch = module, branch
    self._known: dict[str, Counts] = {}

  def trip(self, loop: Instruction) -> Counts:
    """Counts one trip of a loop.

    A device evaluates the condition only if the number of trips is unknown.
    """
    names = loop.called['body']
    if loop.trips is None:
      names += loop.called['condition']
    total = nothing()
    for name in names:
      total = total.plus(self._computation(name))
    return total

  def loops(self, outer: Instruction, runs: int, depth: int) -> Iterator[Loop]:
    """Yields the loops inside of a loop.

    Args:
      outer: the loop.
      runs: number of its trips per iteration.
      depth: number of loops of an iteration around the loops that are found.
    """
    for name in outer.called['body']:
      for one in _reached(self._module, name):
        if one.opcode == 'while':
          yield Loop(runs, one.trips, self.trip(one), depth)
          yield from self.loops(one, runs * (one.trips or 1), depth + 1)

  def _computation(self, name: str) -> Counts:
    if name not in self._known:
      computation, total = self._module.computations[name], nothing()
      for one in computation.instructions.values():
        total = total.plus(*self._instruction(one, computation))
      self._known[name] = total
    return self._known[name]

  def _instruction(
    self, one: Instruction, inside: Computation
  ) -> tuple[Counts, int]:
    """Returns the counts of an instruction and how often they occur."""
    if one.opcode == 'while':
      return self.trip(one), 1 if one.trips is None else one.trips
    called = [name for names in one.called.values() for name in names]
    if one.opcode == 'conditional':
      branches = [self._computation(name) for name in called]
      return self._branch(branches, key=lambda x: (x.launches, x.accessed)), 1
    if one.opcode in _RUNS:
      total = nothing()
      for name in called:
        total = total.plus(self._computation(name))
      return total, 1
    if is_free(one, inside):
      return nothing(), 1
    total = nothing()
    total.kernels[kind(one)] += 1
    self._collectives(one, inside, total)
    accessed = hlo_bytes.accessed(one, inside, self._module)
    return total._replace(accessed=accessed), 1

  def _collectives(
    self, one: Instruction, inside: Computation, total: Counts
  ) -> None:
    """Adds the collectives that an instruction is or contains."""
    opcode = one.opcode.removesuffix('-start')
    if opcode in COLLECTIVES:
      total.collectives[opcode] += 1
      total.sent[opcode] += round(_sent(one, inside))
    elif opcode == 'fusion':
      for name in one.called.get('calls', ()):
        fused = self._module.computations[name]
        for inner in fused.instructions.values():
          self._collectives(inner, fused, total)


def is_free(one: Instruction, inside: Computation) -> bool:
  """Returns whether an instruction starts no work on the device.

  Args:
    one: the instruction.
    inside: the computation that contains it.
  """
  if (
    one.opcode in _FREE
    or one.opcode.endswith(('-done', '-update'))
    or one.target in _FREE_TARGETS
  ):
    return True
  if one.opcode.removesuffix('-start') in (*_WORK, *COLLECTIVES):
    return False
  all_of_it = [one, *(inside.instructions[name] for name in one.operands)]
  return not any(array.dims for x in all_of_it for array in x.arrays)


def kind(one: Instruction) -> str:
  """Returns the kind of kernel of an instruction; see `Counts`."""
  if one.opcode == 'custom-call':
    return one.target
  return one.opcode.removesuffix('-start')


def transfers(module: HloModule) -> list[str]:
  """Returns the names of instructions that exchange data with the host."""
  return [
    one.name
    for computation in module.computations.values()
    for one in computation.instructions.values()
    if one.opcode.removesuffix('-done').removesuffix('-start') in _HOST
    or any(word in one.target.lower() for word in _HOST_TARGETS)
  ]


def dynamic(module: HloModule) -> list[str]:
  """Returns the names of instructions whose result has no static shape."""
  return [
    one.name
    for computation in module.computations.values()
    for one in computation.instructions.values()
    if not all(array.is_static for array in one.arrays)
  ]


def _reached(module: HloModule, name: str) -> Iterator[Instruction]:
  """Yields the instructions that a computation runs outside of loops."""
  for one in module.computations[name].instructions.values():
    yield one
    if one.opcode in _RUNS - {'while'}:
      for names in one.called.values():
        for inner in names:
          yield from _reached(module, inner)


def _sent(one: Instruction, inside: Computation) -> float:
  """Returns the bytes of a collective; see `Counts.sent`."""
  operands = sum(inside.instructions[name].size for name in one.operands)
  if not one.opcode.startswith('all-gather'):
    return operands
  # The result of the asynchronous form has the operands, too.
  return one.size - operands * one.opcode.endswith('-start')
