"""Bytes of device memory that a kernel reads and writes.

A kernel reads its operands and writes its result. Exceptions are the parts of
arrays: an operand of which a kernel only reads slices counts as these slices,
and an array that is updated in place counts as the update. Caches are ignored.
Arrays in the fast memory of a TPU core, which has another memory space than
zero, do not count.
"""

import re
from collections.abc import Iterator

from moegan_jax.accelerators.hlo_text import (
  ArrayType,
  Computation,
  HloModule,
  Instruction,
)

_MEMORY_SPACE = re.compile(r'S\((\d+)\)')
_READS_PART = ('dynamic-slice', 'gather', 'slice')
_UPDATES = ('dynamic-update-slice', 'scatter')
_PASSES = ('bitcast', 'copy', 'reshape', 'get-tuple-element')


def accessed(one: Instruction, inside: Computation, module: HloModule) -> float:
  """Returns the bytes that an instruction reads and writes.

  Args:
    one: an instruction that starts a kernel.
    inside: the computation that contains it.
    module: the module.
  """
  operands = [inside.instructions[name] for name in one.operands]
  if one.opcode == 'fusion':
    (name,) = one.called['calls']
    fused = module.computations[name]
    read = sum(_read(given, i, fused) for i, given in enumerate(operands))
    return read + _written(one, fused)
  if one.opcode in _READS_PART:
    return 2 * _stored(one)
  if one.opcode in _UPDATES:
    return 2 * _update(one, inside)
  if one.opcode == 'copy-start':  # its result: target, source and a handle
    return sum(x.size for x in one.arrays if x.dims and _in_memory(x))
  if one.opcode.endswith('-start'):  # the result holds the operands, too
    return 2 * sum(map(_stored, operands))
  return sum(map(_stored, operands)) + _stored(one)


def _read(given: Instruction, number: int, fused: Computation) -> float:
  """Returns the bytes that a fusion reads of an operand.

  Args:
    given: the operand.
    number: its place among the operands.
    fused: the fused computation.
  """
  if not _stored(given):
    return 0.0
  parameter = next(
    x
    for x in fused.instructions.values()
    if x.opcode == 'parameter' and x.literal == str(number)
  )
  parts = [_part(parameter, user) for user in _users(parameter, fused)]
  known = [part for part in parts if part is not None]
  if len(known) < len(parts):
    return _stored(given)
  return min(sum(known), _stored(given))


def _part(parameter: Instruction, user: Instruction) -> float | None:
  """Returns the bytes of an operand that a user reads; None for all of it."""
  if not user.operands or user.operands[0] != parameter.name:
    return None
  if user.operands.count(parameter.name) > 1:
    return None
  if user.opcode in _READS_PART:
    return user.size
  return 0.0 if user.opcode == 'dynamic-update-slice' else None


def _users(one: Instruction, fused: Computation) -> Iterator[Instruction]:
  """Yields the instructions of a computation that use an instruction."""
  for user in fused.instructions.values():
    if one.name in user.operands:
      yield user


def _written(one: Instruction, fused: Computation) -> float:
  """Returns the bytes that a fusion writes."""
  if not fused.root:
    return _stored(one)
  root = fused.instructions[fused.root]
  results = (
    [fused.instructions[name] for name in root.operands]
    if root.opcode == 'tuple'
    else [root]
  )
  if len(results) != len(one.arrays):
    return _stored(one)
  total = 0.0
  for array, result in zip(one.arrays, results, strict=True):
    while result.opcode in _PASSES and result.operands:
      result = fused.instructions[result.operands[0]]
    if not _in_memory(array):
      continue
    in_place = result.opcode == 'dynamic-update-slice'
    total += _update(result, fused) if in_place else array.size
  return total


def _update(one: Instruction, inside: Computation) -> float:
  """Returns the bytes that an update in place writes."""
  number = 1 if one.opcode == 'dynamic-update-slice' else 2
  return inside.instructions[one.operands[number]].size


def _stored(one: Instruction) -> float:
  """Returns the bytes of a result that are in the memory of the device."""
  return sum(array.size for array in one.arrays if _in_memory(array))


def _in_memory(array: ArrayType) -> bool:
  """Returns whether an array is in the memory of the device."""
  found = _MEMORY_SPACE.search(array.layout)
  return found is None or found[1] == '0'
