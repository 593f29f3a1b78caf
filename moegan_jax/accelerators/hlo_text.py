"""Parses the text of optimised HLO modules.

Only what counting needs is read: opcodes, types, operands, called computations
and trip counts. The format is that of `jax.stages.Compiled.as_text`.
"""

import math
import re
from typing import NamedTuple

# Bits of an element. Types without data, such as token, have none.
_BITS = {'pred': 8, 'c64': 64, 'c128': 128}
_BITS_OF_NAME = re.compile(r'[a-z]+(\d+)')
_HEAD = re.compile(r'(ENTRY )?%?([\w.\-]+) \(.*\{$')
_ASSIGNMENT = re.compile(r'\s+(ROOT )?%?([\w.\-]+) = ')
_OPCODE = re.compile(r'\s*([\w\-]+)\(')
_OPERAND = re.compile(r'%([\w.\-]+)')
_ARRAY = re.compile(r'([a-z]\w*)\[([^\]]*)\](?:\{([^}]*)\})?')
# Attributes that name computations.
_CALLED = re.compile(
  r'(calls|to_apply|body|condition|branch_computations|true_computation|'
  r'false_computation|called_computations)=(\{[^}]*\}|%?[\w.\-]+)'
)
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_LITERALS = ('parameter', 'constant', 'iota')
_LITERAL = re.compile(r', (?:index=(\d+)|direction=(\w+))')
_TARGET = re.compile(r'custom_call_target="([^"]*)"')


class ArrayType(NamedTuple):
  """The type of an array.

  Attributes:
    dtype: such as 'f32'.
    dims: the shape as text, such as '64,128'.
    layout: the layout with tiles and memory space, or ''.
  """

  dtype: str
  dims: str
  layout: str

  @property
  def size(self) -> float:
    """Size in bytes, without padding by tiles."""
    numbers = map(int, re.findall(r'\d+', self.dims))
    return math.prod(numbers) * _bits(self.dtype) / 8

  @property
  def is_static(self) -> bool:
    """Whether no dimension is bounded ('<=8') or unknown ('?')."""
    return not set('<?') & set(self.dims)


class Instruction(NamedTuple):
  """An instruction of a computation.

  Attributes:
    name: its name in the module.
    opcode: such as 'fusion'.
    arrays: the arrays of its result, several for a tuple.
    operands: names of the operands.
    called: attribute -> names of the computations that it calls.
    trips: trip count of a while loop; None if the text has none.
    target: target of a custom call, or ''.
    literal: number of a parameter, value of a constant, index of a
      get-tuple-element, direction of a comparison, or ''.
  """

  name: str
  opcode: str
  arrays: tuple[ArrayType, ...]
  operands: tuple[str, ...]
  called: dict[str, tuple[str, ...]]
  trips: int | None
  target: str
  literal: str

  @property
  def size(self) -> float:
    """Size of the result in bytes."""
    return sum(array.size for array in self.arrays)


class Computation(NamedTuple):
  """A computation.

  Attributes:
    name: its name in the module.
    instructions: name -> instruction, in the order of the text.
    root: name of the instruction whose result is returned.
  """

  name: str
  instructions: dict[str, Instruction]
  root: str


class HloModule(NamedTuple):
  """A module.

  Attributes:
    computations: name -> computation.
    entry: name of the computation that the program runs.
  """

  computations: dict[str, Computation]
  entry: str


def parse(text: str) -> HloModule:
  """Parses a module.

  Args:
    text: the text of an optimised module.

  Raises:
    ValueError: the text has no entry computation.
  """
  computations: dict[str, Computation] = {}
  entry, name, root = '', '', ''
  body: dict[str, Instruction] = {}
  for line in text.splitlines():
    head = _HEAD.match(line)
    if head:
      name, root, body = head[2], '', {}
      entry = name if head[1] else entry
    elif line.startswith('}') and name:
      computations[name] = Computation(name, body, root)
      name = ''
    elif name and (found := _ASSIGNMENT.match(line)):
      instruction = _instruction(found[2], line[found.end() :])
      body[instruction.name] = instruction
      root = instruction.name if found[1] else root
  if not entry:
    raise ValueError('the text is no HLO module: it has no ENTRY computation')
  return HloModule(computations, entry)


def _instruction(name: str, text: str) -> Instruction:
  """Parses what follows `name = `."""
  end = _closing(text, 0) if text.startswith('(') else text.index(' ')
  kind, rest = text[:end], text[end:]
  opcode = _OPCODE.match(rest)
  if opcode is None:
    raise ValueError(f'the HLO instruction {name} has no opcode: {text[:80]}')
  close = _closing(rest, opcode.end() - 1)
  given, attributes = rest[opcode.end() : close - 1], rest[close:]
  called = {
    key: tuple(_names(value)) for key, value in _CALLED.findall(attributes)
  }
  trips, target = _TRIPS.search(attributes), _TARGET.search(attributes)
  if opcode[1] in _LITERALS:
    literal, operands = given, ()
  else:
    found = _LITERAL.search(attributes)
    literal = (found[1] or found[2]) if found else ''
    operands = tuple(_OPERAND.findall(given))
  return Instruction(
    name,
    opcode[1],
    tuple(ArrayType(*found) for found in _ARRAY.findall(kind)),
    operands,
    called,
    int(trips[1]) if trips else None,
    target[1] if target else '',
    literal,
  )


def _closing(text: str, start: int) -> int:
  """Returns the index after the parenthesis that closes the one at `start`."""
  depth = 0
  for i in range(start, len(text)):
    depth += (text[i] == '(') - (text[i] == ')')
    if not depth:
      return i + 1
  raise ValueError(f'a parenthesis of HLO is not closed: {text[:80]}')


def _names(value: str) -> list[str]:
  """Returns the names in '%a' or '{%a, %b}'."""
  names = value.strip('{}').split(',')
  return [name.strip().lstrip('%') for name in names if name.strip()]


def _bits(dtype: str) -> int:
  """Returns the bits of an element of a type, 0 for types without data."""
  if dtype in _BITS:
    return _BITS[dtype]
  found = _BITS_OF_NAME.match(dtype)
  return int(found[1]) if found else 0
