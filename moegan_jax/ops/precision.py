"""The precision of products of matrices; everything else is float32."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core


def full_precision(function: Callable) -> Callable:
  """The function with products of float32 in float32 wherever it runs."""

  @functools.wraps(function)
  def full(*args):
    with jax.default_matmul_precision('float32'):
      return function(*args)

  return full


def bfloat16_products(function: Callable) -> Callable:
  """The function with its products of float32 matrices taken in bfloat16.

  Both factors are rounded to bfloat16 (8 bits of mantissa) and summed up in
  float32; sums, softmax, losses, parameters and optimizers stay as they are. It
  is what a TPU does unasked, written out for platforms that do not. A product
  that asks for a precision of its own keeps it.

  The traced program is rewritten, so gradients taken inside of `function` are
  covered, and no network has to know. Gradients cannot be taken from outside.
  """

  @functools.wraps(function)
  def rounded(*args):
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
    out = core.jaxpr_as_fun(_rewritten(closed))(*jax.tree.leaves(args))
    return jax.tree.unflatten(jax.tree.structure(shape), out)

  return rounded


def _rewritten(param: Any) -> Any:
  """A parameter of an operation; programs (of a scan, a branch) rewritten."""
  if type(param) in (tuple, list):  # not the named ones
    return type(param)(map(_rewritten, param))
  if isinstance(param, core.Jaxpr):  # first: later JAX has one type for both
    return param.replace(eqns=[_operation(eqn) for eqn in param.eqns])
  if isinstance(param, core.ClosedJaxpr):
    return param.replace(jaxpr=_rewritten(param.jaxpr))
  return param


def _operation(eqn: core.JaxprEqn) -> core.JaxprEqn:
  if not _is_product(eqn):
    params = {name: _rewritten(value) for name, value in eqn.params.items()}
    return eqn.replace(params=params)
  # One operation for another, so that nothing around it has to be renamed.
  call = jax.jit(functools.partial(_product, eqn.params['dimension_numbers']))
  shapes = [jax.ShapeDtypeStruct(x.aval.shape, jnp.float32) for x in eqn.invars]
  (made,) = jax.make_jaxpr(call)(*shapes).eqns
  return made.replace(invars=eqn.invars, outvars=eqn.outvars, ctx=eqn.ctx)


def _product(dimensions: Any, left: jax.Array, right: jax.Array) -> jax.Array:
  def cast(left, right):
    return lax.dot_general(
      left.astype(jnp.bfloat16),
      right.astype(jnp.bfloat16),
      dimensions,
      preferred_element_type=jnp.float32,
    )

  def rounded(left, right):
    # The same numbers: a product of two bfloat16 is exact in float32. XLA's CPU
    # backend refuses some products of bfloat16 inside of larger programs.
    return lax.dot_general(
      lax.reduce_precision(left, 8, 7),
      lax.reduce_precision(right, 8, 7),
      dimensions,
    )

  return lax.platform_dependent(left, right, cpu=rounded, default=cast)


def _is_product(eqn: core.JaxprEqn) -> bool:
  """Whether it is a product of float32 without a precision of its own."""
  return (
    eqn.primitive is lax.dot_general_p
    and all(x.aval.dtype == jnp.float32 for x in eqn.invars)
    and eqn.params['precision'] in (None, lax.Precision.DEFAULT)
  )


# What a setting calls them; `platform` is a TPU's bfloat16, TF32 on the GPUs
# that have it, float32 on a CPU.
PRECISIONS: dict[str, Callable[[Callable], Callable]] = {
  'platform': lambda function: function,
  'float32': full_precision,
  'bfloat16': bfloat16_products,
}
