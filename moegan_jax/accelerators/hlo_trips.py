"""Trip counts of loops.

The compiler of CUDA programs writes the trip count of a loop into the module.
The one of TPU programs does not, so it is derived here: a counter starts at a
constant, the body adds a constant, and the condition compares the counter with
a constant. Such constants may come from outside, as elements of the tuple that
a loop carries and does not change.
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
  constants = _Constants(module)
  return module._replace(
    computations={
      name: inside._replace(
        instructions={
          key: one._replace(trips=_trips(one, inside, constants))
          if one.opcode == 'while' and one.trips is None
          else one
          for key, one in inside.instructions.items()
        }
      )
      for name, inside in module.computations.items()
    }
  )


class _Constants:
  """Finds the values of constants across computations."""

  def __init__(self, module: HloModule):
    """Finds what calls each computation.

    Args:
      module: the module.
    """
    self.module = module
    # Computation -> what calls it, the computation of that, and its argument.
    self._callers: dict[str, tuple[Instruction, Computation, str]] = {}
    for inside in module.computations.values():
      for one in inside.instructions.values():
        for name, argument in _arguments(one):
          self._callers[name] = one, inside, argument

  def value(self, one: Instruction, inside: Computation) -> int | None:
    """Returns the value of an integer constant, or None.

    Args:
      one: the constant, or an instruction that passes it on.
      inside: the computation that contains it.
    """
    one = _source(one, inside)
    if one.opcode == 'constant':
      return int(one.literal) if one.literal.lstrip('-').isdigit() else None
    index = element(one, inside)
    if index is None or inside.name not in self._callers:
      return None
    caller, outer, argument = self._callers[inside.name]
    given = elements(outer.instructions[argument], outer)
    if given is None:
      return None
    if caller.opcode == 'while':
      (name,) = caller.called['body']
      body = self.module.computations[name]
      after = elements(body.instructions[body.root], body)
      if after is None or element(after[index], body) != index:
        return None  # the loop changes it
    return self.value(given[index], outer)


def elements(one: Instruction, inside: Computation) -> list[Instruction] | None:
  """Returns the elements of a tuple that an instruction makes, or None."""
  if one.opcode != 'tuple':
    return None
  return [inside.instructions[name] for name in one.operands]


def element(one: Instruction, inside: Computation) -> int | None:
  """Returns which element of the parameter an instruction is, or None."""
  one = _source(one, inside)
  if one.opcode != 'get-tuple-element':
    return None
  origin = inside.instructions[one.operands[0]]
  return int(one.literal) if origin.opcode == 'parameter' else None


def _trips(
  loop: Instruction, inside: Computation, constants: _Constants
) -> int | None:
  """Derives the trip count of a loop, or returns None."""
  computations = constants.module.computations
  condition = computations[loop.called['condition'][0]]
  body = computations[loop.called['body'][0]]
  test = condition.instructions[condition.root]
  before = elements(inside.instructions[loop.operands[0]], inside)
  after = elements(body.instructions[body.root], body)
  if test.literal != 'LT' or before is None or after is None:
    return None
  counter, limit = (condition.instructions[name] for name in test.operands)
  index = element(counter, condition)
  if index is None or after[index].opcode != 'add':
    return None
  parts = [body.instructions[name] for name in after[index].operands]
  added = [part for part in parts if element(part, body) != index]
  if len(added) != 1:
    return None
  begin = constants.value(before[index], inside)
  step = constants.value(added[0], body)
  end = constants.value(limit, condition)
  if begin is None or end is None or step is None or step <= 0:
    return None
  return max(0, math.ceil((end - begin) / step))


def _source(one: Instruction, inside: Computation) -> Instruction:
  """Returns the instruction of which another one is a copy."""
  while one.opcode in _SAME and one.operands:
    one = inside.instructions[one.operands[0]]
  return one


def _arguments(one: Instruction) -> list[tuple[str, str]]:
  """Returns the computations with one parameter that an instruction calls.

  Returns:
    Pairs of a computation and the operand that is its argument.
  """
  names = [name for found in one.called.values() for name in found]
  if one.opcode in ('call', 'while'):
    return [(name, one.operands[0]) for name in names if one.operands]
  if one.opcode == 'conditional':
    return list(zip(names, one.operands[1:], strict=True))
  return []
