"""Sampling, and teacher forcing of given text."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from moegan_jax.decode.loop import decode
from moegan_jax.ops import random
from moegan_jax.ops.ends import padded
from moegan_jax.ops.relaxation import gumbel_max, inverse_cdf
from moegan_jax.types import Array, Generator, Params


class Sampled(NamedTuple):
  """A sample.

  Attributes:
    tokens: int32 [n, T]
    hidden: [n, T, H], the inputs of `Generator.readout`
    states: the carry before each step, a pytree of [T, ...]; None unless asked
      for
  """

  tokens: Array
  hidden: Array
  states: Any = None


def by_noise(logits: Array, row_keys: Array, t: Array) -> Array:
  """Draws tokens as `relax` does, with Gumbel noise (MoEGAN Eq 4).

  Args:
    logits: [..., V]
    row_keys: uint32 [..., 2]
    t: the position

  Returns:
    int32 [...].
  """
  g = random.row_gumbel(row_keys, t, logits.shape[-1])
  return gumbel_max(logits, g)


def by_inversion(logits: Array, row_keys: Array, t: Array) -> Array:
  """Draws tokens with one random number each, see `relaxation.inverse_cdf`.

  Args and result are those of `by_noise`.
  """
  return inverse_cdf(logits, random.row_uniform(row_keys, t))


def sample(
  generator: Generator,
  params: Params,
  row_keys: Array,
  *,
  length: int,
  temperature: Array | float = 1.0,
  truncate: Callable[[Array], Array] = lambda logits: logits,
  prefix: Array | None = None,
  given: Array | None = None,
  context: Any = None,
  unroll: int = 1,
  states: bool = False,
  choose: Callable[[Array, Array, Array], Array] = by_noise,
) -> Sampled:
  """Draws exact samples.

  Args:
    generator: the generator
    params: its parameters
    row_keys: uint32 [n, 2] from `ops.random.row_keys`. A row of the result
      depends on its own key only.
    length: T
    temperature: divides the logits
    truncate: logits -> logits, such as `ops.relaxation.truncate`, applied after
      the temperature and before the noise
    prefix: int32 [n, T], the tokens to keep where `given` is True
    given: bool [n, T], required with `prefix`. Any mask is valid. A drawn token
      is not conditioned on given tokens at later positions.
    context: passed to `generator.begin`; default: the latent noise of the rows,
      if the generator has any
    unroll: see `ops.devices.unroll`
    states: whether to return the carries, for `rollouts.complete`
    choose: (logits, row_keys, t) -> tokens, such as `by_noise`, or
      `by_inversion`, which is faster where no relaxation follows

  Returns:
    A Sampled.

  Raises:
    ValueError: only one of `prefix` and `given`.

  With `by_noise`, `relax` and `noise` use the same noise, so a sample can be
  relaxed afterwards.
  """

  if (prefix is None) != (given is None):
    raise ValueError('prefix and given are required together; pass both')

  def policy(hidden, t):
    logits = truncate(generator.readout(params, hidden) / temperature)
    token = choose(logits, row_keys, t)
    if prefix is not None and given is not None:
      token = jnp.where(given[:, t], prefix[:, t], token)
    return token, (token, hidden)

  (tokens, hidden), carries = decode(
    generator,
    params,
    policy,
    n=row_keys.shape[0],
    length=length,
    context=default_context(generator, row_keys, context),
    unroll=unroll,
    states=states,
  )
  return Sampled(tokens, hidden, carries)


def draw_text(
  generator: Generator,
  params: Params,
  key: Array,
  n: int,
  *,
  length: int,
  pad: int | None,
  unroll: int = 1,
) -> Array:
  """Draws samples for a loss on tokens.

  Args:
    generator: the generator
    params: its parameters
    key: key of the noise
    n: number of samples
    length: T
    pad: the end symbol, see `ops.ends.padded`
    unroll: see `ops.devices.unroll`

  Returns:
    int32 [n, T], with pad after the end of each text.
  """
  tokens = sample(
    generator,
    params,
    random.row_keys(key, n),
    length=length,
    unroll=unroll,
    choose=by_inversion,
  ).tokens
  return padded(tokens, pad)


def default_context(generator: Generator, row_keys: Array, context: Any) -> Any:
  """Returns the given context, or the latent noise of the rows by default."""
  if context is None and generator.latent is not None:
    return generator.latent(row_keys)
  return context


def noise(row_keys: Array, length: int, width: int) -> Array:
  """Returns the Gumbel noise that `sample` used.

  Args:
    row_keys: uint32 [n, 2], the keys of the sample
    length: T
    width: V

  Returns:
    float32 [n, T, V].
  """
  steps = jnp.arange(length, dtype=jnp.int32)[None]
  return random.row_gumbel(row_keys[:, None], steps, width)


def replay(
  generator: Generator,
  params: Params,
  tokens: Array,
  *,
  context: Any = None,
  unroll: int = 1,
) -> Array:
  """Feeds given text to the generator and returns its hidden outputs.

  Args:
    generator: the generator
    params: its parameters
    tokens: int32 [n, T]
    context: passed to `generator.begin`
    unroll: see `ops.devices.unroll`

  Returns:
    [n, T, H]; hidden[:, t] is conditioned on tokens[:, :t].
  """
  n, length = tokens.shape
  return decode(
    generator,
    params,
    lambda hidden, t: (None, hidden),
    n=n,
    length=length,
    given=tokens,
    context=context,
    unroll=unroll,
  ).kept


def teacher_force(
  generator: Generator, params: Params, tokens: Array, **options
) -> Array:
  """Returns the logits of the next token at every position of given text.

  Args:
    generator: the generator
    params: its parameters
    tokens: int32 [n, T]
    **options: `context` and `unroll` of `replay`

  Returns:
    [n, T, V].

  The readout is one product over all positions, outside of the scan.
  """
  hidden = replay(generator, params, tokens, **options)
  return generator.readout(params, hidden)
