"""Relaxed samples, which carry a gradient to the generator."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.decode.loop import decode
from moegan_jax.decode.sampling import default_context
from moegan_jax.ops import random
from moegan_jax.ops.gradients import with_value
from moegan_jax.ops.relaxation import (
  first_argmax,
  soft_argmax,
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
    route: 'scan' relaxes the token of each step within the scan. 'after' keeps
      the noisy logits [n, T, V] and relaxes all of them after the scan: fewer
      and larger products, but more memory. Both give equal values and
      gradients.
    truncate: logits -> logits, such as `ops.relaxation.truncate`, applied
      before the noise
    project: map of the last axis of the relaxed tokens, which are [n, V] of one
      step or [n, T, V] of all steps. An embedding avoids storing [n, T, V].
    context: as in `sample`
    unroll: see `ops.devices.unroll`

  Returns:
    A Relaxed.

  Raises:
    ValueError: route='after' with soft feedback.
  """
  vocab, n = generator.vocab_size, row_keys.shape[0]
  run = partial(
    decode,
    generator,
    params,
    n=n,
    length=length,
    context=default_context(generator, row_keys, context),
    unroll=unroll,
  )

  def noisy_logits(weights, hidden, t):
    logits = truncate(generator.readout(weights, hidden))
    if not stochastic:
      return logits
    return logits + random.row_gumbel(row_keys, t, vocab)

  def simplex(noisy):
    soft = soft_argmax(noisy, beta)
    return straight_through(soft) if one_hot else soft

  if route == 'after':
    if feedback != 'hard':
      raise ValueError("route='after' needs feedback='hard'")
    frozen = jax.lax.stop_gradient(params)

    def choose(hidden, t):
      noisy = noisy_logits(frozen, jax.lax.stop_gradient(hidden), t)
      token = first_argmax(noisy)
      return token, (token, hidden, noisy)

    tokens, hidden, noisy = run(choose).kept
    # Where a word is excluded, the softmax passes no gradient. The gradient of
    # the other noisy logits is that of the logits.
    noisy = with_value(generator.readout, noisy, params, hidden)
    return Relaxed(tokens, hidden, project(simplex(noisy)))

  start = None
  if feedback == 'soft':
    # The input table has two more rows than there are output classes.
    start = jnp.zeros((n, vocab + 2)).at[:, generator.start].set(1.0)

  def pad(soft):
    return jnp.pad(soft, ((0, 0), (0, 2)))

  def policy(hidden, t):
    noisy = noisy_logits(params, hidden, t)
    token, soft = first_argmax(noisy), simplex(noisy)
    return (token if start is None else pad(soft)), Relaxed(
      token, hidden, project(soft)
    )

  return run(policy, start=start).kept
