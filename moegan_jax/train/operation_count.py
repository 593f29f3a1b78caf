"""Operation count: floating-point operations of a traced function.

Only matrix products count, since they dominate. The ratio of the operation
counts of two phases predicts the ratio of their times per iteration.
"""

import math
from collections.abc import Callable

import jax
from jax.extend import core


def flops(function: Callable, *args) -> float:
  """Counts the operations of one call of a function.

  The function is traced and not compiled. The body of a `while` loop counts
  once, since its number of iterations is unknown.

  Args:
    function: any function that JAX can trace.
    *args: arrays or `jax.ShapeDtypeStruct`s.

  Returns:
    Floating-point operations; a multiply-add counts as two.
  """
  return _count(jax.make_jaxpr(function)(*args).jaxpr)


def _dot(eqn) -> float:
  """Counts the operations of a `dot_general` equation."""
  lhs = eqn.invars[0].aval.shape
  contracted, _ = eqn.params['dimension_numbers'][0]
  inner = math.prod(lhs[d] for d in contracted)
  return 2.0 * inner * math.prod(eqn.outvars[0].aval.shape)


def _subjaxprs(value):
  """Yields the jaxprs in a parameter of an equation."""
  if isinstance(value, core.ClosedJaxpr):
    yield value.jaxpr
  elif isinstance(value, core.Jaxpr):
    yield value
  elif isinstance(value, tuple | list):
    for item in value:
      yield from _subjaxprs(item)


def _count(jaxpr) -> float:
  """Counts the operations of a jaxpr."""
  total = 0.0
  for eqn in jaxpr.eqns:
    if eqn.primitive.name == 'dot_general':
      total += _dot(eqn)
      continue
    inner = [
      _count(sub) for value in eqn.params.values() for sub in _subjaxprs(value)
    ]
    if eqn.primitive.name == 'cond':
      total += max(inner, default=0.0)
    elif eqn.primitive.name == 'scan':
      total += eqn.params['length'] * sum(inner)
    else:
      total += sum(inner)
  return total
