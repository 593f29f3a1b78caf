"""Relaxed samples, which carry a gradient to the generator."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.decode.loop import decode
from moegan_jax.decode.sampling import default_context, noise, replay
from moegan_jax.ops import random
from moegan_jax.ops.relaxation import (
  gumbel_max,
  gumbel_softmax,
  straight_through,
)
from moegan_jax.types import Array, Generator, Params


class Relaxed(NamedTuple):
  """A relaxed sample.

  tokens: int32 [n, T], the hard sample
  hidden: [n, T, H], the inputs of `Generator.readout`
  rows: `contract` of the relaxed rows [n, T, V], a pytree of [n, T, ...]
  """

  tokens: Array
  hidden: Array
  rows: Any


def relax(
  generator: Generator,
  params: Params,
  rows: Array,
  beta: Array | float,
  *,
  length: int,
  hard: bool = False,
  stochastic: bool = True,
  feedback: str = 'hard',
  route: str = 'scan',
  truncate: Callable[[Array], Array] = lambda logits: logits,
  contract: Callable[[Array], Any] = lambda rows: rows,
  context: Any = None,
  unroll: int = 1,
) -> Relaxed:
  """Draws samples whose relaxed rows carry a gradient to the generator.

  Args:
    generator: the generator
    params: its parameters
    rows: uint32 [n, 2] from `ops.random.row_keys`
    beta: inverse temperature of the relaxation (MoEGAN Eq 5)
    length: T
    hard: whether to use straight-through rows instead of relaxed ones
    stochastic: whether to add Gumbel noise. False gives soft-argmax rows and
      greedy tokens; samples then differ only by their latent noise.
    feedback: the next input. 'hard' feeds the sampled token, which stops the
      gradient. 'soft' feeds the relaxed row, which carries it.
    route: 'scan' differentiates through the sampling scan. 'replay' samples
      without gradients and recomputes all logits by teacher forcing on the
      sampled tokens. With hard feedback both give equal values and gradients.
    truncate: logits -> logits, such as `ops.relaxation.truncate`, applied
      before the noise
    contract: applied to the rows, [n, V] of one step or [n, T, V] of all steps.
      A map of the last axis such as an embedding avoids storing [n, T, V].
    context: as in `sample`
    unroll: steps per iteration of the compiled loop

  Returns:
    A Relaxed.

  Raises:
    ValueError: route='replay' with soft feedback.
  """
  vocab = generator.vocab_size
  context = default_context(generator, rows, context)

  def simplex(logits, g):
    soft = gumbel_softmax(logits, g, beta)
    return straight_through(soft) if hard else soft

  if route == 'replay':
    if feedback != 'hard':
      raise ValueError("route='replay' needs feedback='hard'")
    tokens = relax(
      generator,
      jax.lax.stop_gradient(params),
      rows,
      beta,
      length=length,
      stochastic=stochastic,
      truncate=truncate,
      contract=lambda rows: (),
      context=context,
      unroll=unroll,
    ).tokens
    hidden = replay(generator, params, tokens, context=context, unroll=unroll)
    logits = truncate(generator.readout(params, hidden))
    g = noise(rows, length, vocab) if stochastic else jnp.zeros_like(logits)
    return Relaxed(tokens, hidden, contract(simplex(logits, g)))

  n = rows.shape[0]
  start = None
  if feedback == 'soft':
    # The input table has two more rows than there are output classes.
    start = jnp.zeros((n, vocab + 2)).at[:, generator.start].set(1.0)

  def pad(soft):
    return jnp.pad(soft, ((0, 0), (0, 2)))

  def policy(hidden, t):
    logits = truncate(generator.readout(params, hidden))
    g = (
      random.row_gumbel(rows, t, vocab)
      if stochastic
      else jnp.zeros_like(logits)
    )
    token = gumbel_max(logits, g)
    soft = simplex(logits, g)
    return (token if start is None else pad(soft)), Relaxed(
      token, hidden, contract(soft)
    )

  return decode(
    generator,
    params,
    policy,
    n=n,
    length=length,
    start=start,
    context=context,
    unroll=unroll,
  )
