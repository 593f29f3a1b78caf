"""The scan over timesteps."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.types import Array, Generator, Params

# (hidden [n, H], t) -> next input (int32 [n] or weights [n, V]), kept pytree
Policy = Callable[[Array, Array], tuple[Array, Any]]


class Decoded(NamedTuple):
  """The result of `decode`.

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
    context: passed to `generator.begin`
    unroll: steps per iteration of the compiled loop
    states: whether to return the carries
  """
  if start is None:
    start = jnp.full((n,), generator.start, jnp.int32)
  params = generator.prepare(params)

  def body(state, t):
    carry, fed = state
    before = carry if states else None
    carry, hidden = generator.step(params, carry, fed)
    fed, kept = policy(hidden, t)
    return (carry, fed), (kept, before)

  _, (kept, carries) = jax.lax.scan(
    body,
    (generator.begin(params, n, context), start),
    jnp.arange(length, dtype=jnp.int32),
    unroll=unroll,
  )
  return Decoded(jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), kept), carries)
