"""Floating-point operations of a traced function, counted by formula.

Only products count (matrix products and convolutions): they are the bulk, and
a rate measured on one phase predicts another by the ratio of its products.
"""

import math
from collections.abc import Callable

import jax
from jax.extend import core


def flops(function: Callable, *args) -> float:
  """Operations of one call of `function`; a loop of unknown length is one.

  The function is traced, not compiled: arguments may be shapes only.
  """
  return _count(jax.make_jaxpr(function)(*args).jaxpr)


def _dot(eqn) -> float:
  lhs = eqn.invars[0].aval.shape
  contracted, _ = eqn.params['dimension_numbers'][0]
  inner = math.prod(lhs[d] for d in contracted)
  return 2.0 * inner * math.prod(eqn.outvars[0].aval.shape)


def _subjaxprs(value):
  if isinstance(value, core.ClosedJaxpr):
    yield value.jaxpr
  elif isinstance(value, core.Jaxpr):
    yield value
  elif isinstance(value, tuple | list):
    for item in value:
      yield from _subjaxprs(item)


def _count(jaxpr) -> float:
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
    else:
      total += (
        eqn.params.get('length', 1) * sum(inner)
        if (eqn.primitive.name == 'scan')
        else sum(inner)
      )
  return total
