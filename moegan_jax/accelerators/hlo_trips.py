"""Trip counts of loops.

The compiler of CUDA programs writes the trip count of a loop into the module.
The one of TPU programs does not, so it is derived here: a counter starts at a
constant, the body adds a constant, and the condition compares the counter with
a constant.
"""

import math

from moegan_jax.accelerators.hlo_text import (
  Computation,
  HloModule,
  Instruction,
)

_SAME = ('bitcast', 'convert', 'copy', 'reshape')


def resolve(module: HloModule) -> HloModule:
  """Returns a module whose loops have their trip counts, where known."""
  return module._replace(
    computations={
      name: inside._replace(
        instructions={
          key: one._replace(trips=trips(one, inside, module))
          if one.opcode == 'while'
          else one
          for key, one in inside.instructions.items()
        }
      )
      for name, inside in module.computations.items()
    }
  )


def trips(
  loop: Instruction, inside: Computation, module: HloModule
) -> int | None:
  """Returns the trip count of a loop, or None if it is unknown.

  Args:
    loop: a while instruction.
    inside: the computation that contains it.
    module: the module.
  """
  if loop.trips is not None:
    return loop.trips
  condition = module.computations[loop.called['condition'][0]]
  body = module.computations[loop.called['body'][0]]
  test = condition.instructions[condition.root]
  before = _elements(inside.instructions[loop.operands[0]], inside)
  after = _elements(body.instructions[body.root], body)
  if test.opcode != 'compare' or test.literal != 'LT' or not before:
    return None
  counter, limit = (condition.instructions[name] for name in test.operands)
  index = _index(counter)
  if index is None:
    return None
  starts = _constant(before[index], inside)
  step = _step(after, index, body, before, inside)
  ends = _bound(limit, condition, body, after, before, inside)
  if starts is None or not step or ends is None or step < 0:
    return None
  return max(0, math.ceil((ends - starts) / step))


def _elements(
  one: Instruction, inside: Computation
) -> list[Instruction] | None:
  """Returns the elements of a tuple that an instruction makes, or None."""
  if one.opcode != 'tuple':
    return None
  return [inside.instructions[name] for name in one.operands]


def _index(one: Instruction) -> int | None:
  """Returns which element of a tuple an instruction gets, or None."""
  return int(one.literal) if one.opcode == 'get-tuple-element' else None


def _constant(one: Instruction, inside: Computation) -> int | None:
  """Returns the value of an integer constant or of its copy, or None."""
  while one.opcode in _SAME and one.operands:
    one = inside.instructions[one.operands[0]]
  if one.opcode != 'constant' or not one.literal.lstrip('-').isdigit():
    return None
  return int(one.literal)


def _bound(
  one: Instruction,
  own: Computation,
  body: Computation,
  after: list[Instruction] | None,
  before: list[Instruction],
  inside: Computation,
) -> int | None:
  """Returns the value of a constant that a loop may carry in its tuple.

  Args:
    one: the constant, or what gets it from the tuple.
    own: the computation of `one`, the condition or the body.
    body: the body of the loop.
    after: the tuple that the body returns.
    before: the tuple that the loop begins with.
    inside: the computation of the loop.
  """
  known = _constant(one, own)
  index = _index(one)
  if known is not None or index is None:
    return known
  unchanged = after is not None and _index(after[index]) == index
  return _constant(before[index], inside) if unchanged else None


def _step(
  after: list[Instruction] | None,
  index: int,
  body: Computation,
  before: list[Instruction],
  inside: Computation,
) -> int | None:
  """Returns what the body adds to the counter, or None."""
  if after is None or after[index].opcode != 'add':
    return None
  parts = [body.instructions[name] for name in after[index].operands]
  others = [part for part in parts if _index(part) != index]
  if len(others) != 1:
    return None
  return _bound(others[0], body, body, after, before, inside)
