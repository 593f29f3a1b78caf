"""The scan over timesteps."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.ops import devices
from moegan_jax.ops.packing import pack
from moegan_jax.types import Array, Generator, Params

# (hidden [n, H], t) -> next input (int32 [n] or weights [n, V], or None if the
# inputs are given), kept pytree
Policy = Callable[[Array, Array], tuple[Array | None, Any]]


class Decoded(NamedTuple):
  """The result of `decode`.

  Attributes:
    kept: the values that the policy keeps, a pytree of [n, T, ...]
    states: the carry before each step, a pytree of [T, ...]; None unless asked
      for
  """

  kept: Any
  states: Any


def decode(
  generator: Generator,
  params: Params,
  policy: Policy,
  *,
  n: int,
  length: int,
  start: Array | None = None,
  given: Array | None = None,
  context: Any = None,
  unroll: int = 1,
  states: bool = False,
) -> Decoded:
  """Runs the generator for `length` steps in one scan.

  Args:
    generator: the generator
    params: its parameters
    policy: (hidden [n, H], t) -> input of the next step, values to keep
    n: number of rows
    length: T
    start: first input, of the type that the policy returns; default: the start
      symbol
    given: int32 [n, T], the tokens at all positions, if they are known. All but
      the last are then the inputs after the first one, embedded at once, and
      the inputs that the policy returns are not used.
    context: passed to `generator.begin`
    unroll: see `ops.devices.unroll`
    states: whether to return the carries
  """
  if start is None:
    start = jnp.full((n,), generator.start, jnp.int32)
  params = generator.prepare(params)
  packed, unpack = pack(params)

  # The gradient recomputes everything but the products of a step, instead of
  # storing dozens of arrays [T, n, ...]. That costs little time on a CPU, and
  # on a GPU fewer kernels than storing them.
  @partial(
    jax.checkpoint,
    prevent_cse=False,
    policy=jax.checkpoint_policies.dots_saveable,
  )
  def step(packed, carry, x):
    return generator.step(unpack(packed), carry, x)

  known = None
  if given is not None:
    inputs = jnp.concatenate([start[None], given.T[:-1]])
    known = jax.vmap(generator.embed, (None, 0))(params, inputs)

  def body(state, xs):
    carry, fed = state
    t, x = xs
    before = carry if states else None
    x = generator.embed(params, fed) if x is None else x
    carry, hidden = step(packed, carry, x)
    fed, kept = policy(hidden, t)
    return (carry, fed if known is None else None), (kept, before)

  _, (kept, carries) = jax.lax.scan(
    body,
    (generator.begin(params, n, context), start if known is None else None),
    (jnp.arange(length, dtype=jnp.int32), known),
    unroll=devices.unroll(unroll),
  )
  return Decoded(jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), kept), carries)
