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

  Attributes:
    tokens: int32 [n, T], the hard sample
    hidden: [n, T, H], the inputs of `Generator.readout`
    relaxed: `project` of the relaxed tokens [n, T, V], a pytree of [n, T, ...]
  """

  tokens: Array
  hidden: Array
  relaxed: Any


def relax(
  generator: Generator,
  params: Params,
  row_keys: Array,
  beta: Array | float,
  *,
  length: int,
  one_hot: bool = False,
  stochastic: bool = True,
  feedback: str = 'hard',
  route: str = 'scan',
  truncate: Callable[[Array], Array] = lambda logits: logits,
  project: Callable[[Array], Any] = lambda relaxed: relaxed,
  context: Any = None,
  unroll: int = 1,
) -> Relaxed:
  """Draws samples whose relaxed tokens carry a gradient to the generator.

  Args:
    generator: the generator
    params: its parameters
    row_keys: uint32 [n, 2] from `ops.random.row_keys`
    beta: inverse temperature of the relaxation (MoEGAN Eq 5)
    length: T
    one_hot: whether the relaxed tokens are one-hot (straight-through): one-hot
      values with the gradient of the softmax
    stochastic: whether to add Gumbel noise. False gives the soft-argmax and
      greedy tokens; samples then differ only by their latent noise.
    feedback: the next input. 'hard' feeds the sampled token, through which no
      gradient flows. 'soft' feeds the relaxed token, through which it flows.
    route: 'scan' differentiates through the sampling scan. 'replay' samples
      without gradients and recomputes all logits by teacher forcing on the
      sampled tokens. With hard feedback both give equal values and gradients.
    truncate: logits -> logits, such as `ops.relaxation.truncate`, applied
      before the noise
    project: map of the last axis of the relaxed tokens, which are [n, V] of one
      step or [n, T, V] of all steps. An embedding avoids storing [n, T, V].
    context: as in `sample`
    unroll: steps per iteration of the compiled loop

  Returns:
    A Relaxed.

  Raises:
    ValueError: route='replay' with soft feedback.
  """
  vocab = generator.vocab_size
  context = default_context(generator, row_keys, context)

  def simplex(logits, g):
    soft = gumbel_softmax(logits, g, beta)
    return straight_through(soft) if one_hot else soft

  if route == 'replay':
    if feedback != 'hard':
      raise ValueError("route='replay' needs feedback='hard'")
    tokens = relax(
      generator,
      jax.lax.stop_gradient(params),
      row_keys,
      beta,
      length=length,
      stochastic=stochastic,
      truncate=truncate,
      project=lambda relaxed: (),
      context=context,
      unroll=unroll,
    ).tokens
    hidden = replay(generator, params, tokens, context=context, unroll=unroll)
    logits = truncate(generator.readout(params, hidden))
    g = noise(row_keys, length, vocab) if stochastic else jnp.zeros_like(logits)
    return Relaxed(tokens, hidden, project(simplex(logits, g)))

  n = row_keys.shape[0]
  start = None
  if feedback == 'soft':
    # The input table has two more rows than there are output classes.
    start = jnp.zeros((n, vocab + 2)).at[:, generator.start].set(1.0)

  def pad(soft):
    return jnp.pad(soft, ((0, 0), (0, 2)))

  def policy(hidden, t):
    logits = truncate(generator.readout(params, hidden))
    g = (
      random.row_gumbel(row_keys, t, vocab)
      if stochastic
      else jnp.zeros_like(logits)
    )
    token = gumbel_max(logits, g)
    soft = simplex(logits, g)
    return (token if start is None else pad(soft)), Relaxed(
      token, hidden, project(soft)
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
  ).kept
