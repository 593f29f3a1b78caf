"""Numerical precision of matrix products; everything else is float32."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core

LARGEST_FLOAT32 = 3.4e38  # rounded down


def full_precision(function: Callable) -> Callable:
  """Wraps a function so that float32 matrix products run in float32.

  Args:
    function: called with positional arguments

  Returns:
    A function with the same arguments and results.

  By default a TPU uses bfloat16 and recent GPUs use TF32 for such products.
  """

  @functools.wraps(function)
  def full(*args):
    with jax.default_matmul_precision('float32'):
      return function(*args)

  return full


def bfloat16_products(function: Callable) -> Callable:
  """Wraps a function so that its float32 matrix products run in bfloat16.

  Args:
    function: called with positional arguments, pytrees of arrays

  Returns:
    A function with the same arguments and results. It must not be
    differentiated; take gradients inside of `function`.

  Both factors are rounded to bfloat16 (8 bits of mantissa) and the products are
  summed in float32. Sums, softmax, losses, parameters and optimizers stay in
  float32. This is the default of a TPU, made explicit for other platforms. A
  product that sets its own precision keeps it.

  The wrapper rewrites the traced program. It therefore covers the gradients
  taken inside of `function`, and networks need no precision setting.
  """

  @functools.wraps(function)
  def rounded(*args):
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
    out = core.jaxpr_as_fun(_rewritten(closed))(*jax.tree.leaves(args))
    return jax.tree.unflatten(jax.tree.structure(shape), out)

  return rounded


def _rewritten(param: Any) -> Any:
  """Returns a parameter of an operation with all nested programs rewritten."""
  if type(param) in (tuple, list):  # excludes named tuples
    return type(param)(map(_rewritten, param))
  # Tested first because later versions of JAX merge Jaxpr and ClosedJaxpr.
  if isinstance(param, core.Jaxpr):
    return param.replace(eqns=[_operation(eqn) for eqn in param.eqns])
  if isinstance(param, core.ClosedJaxpr):
    return param.replace(jaxpr=_rewritten(param.jaxpr))
  return param


def _operation(eqn: core.JaxprEqn) -> core.JaxprEqn:
  """Returns an equation whose product, if it is one, runs in bfloat16."""
  if not _is_product(eqn):
    params = {name: _rewritten(value) for name, value in eqn.params.items()}
    return eqn.replace(params=params)
  # The call is a single equation, so it can replace `eqn` without renaming the
  # variables of the program around it.
  call = jax.jit(functools.partial(_product, eqn.params['dimension_numbers']))
  shapes = [jax.ShapeDtypeStruct(x.shape, jnp.float32) for x in _avals(eqn)]
  (made,) = jax.make_jaxpr(call)(*shapes).eqns
  return made.replace(invars=eqn.invars, outvars=eqn.outvars, ctx=eqn.ctx)


def _product(dimensions: Any, left: jax.Array, right: jax.Array) -> jax.Array:
  """Multiplies float32 arrays after rounding both factors to bfloat16."""

  def cast(left, right):
    return lax.dot_general(
      left.astype(jnp.bfloat16),
      right.astype(jnp.bfloat16),
      dimensions,
      preferred_element_type=jnp.float32,
    )

  def rounded(left, right):
    # XLA's CPU backend rejects some bfloat16 products inside larger programs.
    # This gives the same numbers, as a product of two bfloat16 values is exact
    # in float32.
    return lax.dot_general(
      lax.reduce_precision(left, 8, 7),
      lax.reduce_precision(right, 8, 7),
      dimensions,
    )

  return lax.platform_dependent(left, right, cpu=rounded, default=cast)


def _avals(eqn: core.JaxprEqn) -> list[Any]:
  """Returns the abstract values of the inputs of a product of arrays."""
  return [x.aval for x in eqn.invars]


def _is_product(eqn: core.JaxprEqn) -> bool:
  """Returns whether `eqn` is a float32 product of default precision."""
  return (
    eqn.primitive is lax.dot_general_p
    and all(x.dtype == jnp.float32 for x in _avals(eqn))
    and eqn.params['precision'] in (None, lax.Precision.DEFAULT)
  )


# Value of the setting -> wrapper. 'platform' keeps the default of the hardware:
# bfloat16 on a TPU, TF32 on GPUs that support it, float32 on a CPU.
PRECISIONS: dict[str, Callable[[Callable], Callable]] = {
  'platform': lambda function: function,
  'float32': full_precision,
  'bfloat16': bfloat16_products,
}
