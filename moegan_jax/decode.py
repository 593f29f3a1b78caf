"""The scan over timesteps: sampling, relaxation, teacher forcing, prefixes.

There is one loop, `decode`. What differs is the policy: given the hidden
output and the step it chooses what is fed next and what is kept.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.ops import random
from moegan_jax.ops.relaxation import (
  gumbel_max,
  gumbel_softmax,
  straight_through,
)
from moegan_jax.types import Array, Generator, Params

# (hidden [n, H], t) -> fed (int32 [n] or weights [n, V]), kept (any pytree)
Policy = Callable[[Array, Array], tuple[Array, Any]]


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
) -> Any:
  """Runs the generator for `length` steps; THE scan over timesteps.

  Args:
    start: what is fed first, of the type that the policy feeds afterwards;
      the start symbol by default

  Returns:
    what the policy keeps at each step, batch-major [n, T, ...].
  """
  if start is None:
    start = jnp.full((n,), generator.start, jnp.int32)

  def body(state, t):
    carry, fed = state
    carry, hidden = generator.step(params, carry, fed)
    fed, kept = policy(hidden, t)
    return (carry, fed), kept

  _, kept = jax.lax.scan(
    body,
    (generator.begin(params, n, context), start),
    jnp.arange(length, dtype=jnp.int32),
    unroll=unroll,
  )
  return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), kept)


class Sampled(NamedTuple):
  """tokens: int32 [n, T]; hidden: [n, T, H], see `Generator.readout`."""

  tokens: Array
  hidden: Array


def sample(
  generator: Generator,
  params: Params,
  rows: Array,
  *,
  length: int,
  temperature: Array | float = 1.0,
  truncate: Callable[[Array], Array] = lambda logits: logits,
  prefix: Array | None = None,
  given: Array | None = None,
  context: Any = None,
  unroll: int = 1,
) -> Sampled:
  """Exact samples of the generator, by the Gumbel-max trick (MoEGAN Eq 4).

  Args:
    rows: uint32 [n, 2] from `ops.random.row_keys`; a row of the result
      depends on its own key only
    temperature: divides the logits
    truncate: logits -> logits, such as `ops.relaxation.truncate`; after the
      temperature, before the noise
    prefix: int32 [n, T], tokens to keep where `given` is True
    given: bool [n, T]; a prefix, or any mask for infilling; with `prefix`

  The noise is that of `relax` and `noise`, so that a sample can be relaxed
  afterwards.
  """

  def policy(hidden, t):
    logits = truncate(generator.readout(params, hidden) / temperature)
    g = random.row_gumbel(rows, t, generator.vocab_size)
    token = gumbel_max(logits, g)
    if prefix is not None:
      token = jnp.where(given[:, t], prefix[:, t], token)
    return token, Sampled(token, hidden)

  return decode(
    generator,
    params,
    policy,
    n=rows.shape[0],
    length=length,
    context=_context(generator, rows, context),
    unroll=unroll,
  )


def _context(generator: Generator, rows: Array, context: Any) -> Any:
  """What the caller gives, or else the latent noise of the rows."""
  if context is None and generator.latent is not None:
    return generator.latent(rows)
  return context


def replay(
  generator: Generator,
  params: Params,
  tokens: Array,
  *,
  context: Any = None,
  unroll: int = 1,
) -> Array:
  """Hidden outputs [n, T, H] of the generator fed with given text [n, T].

  hidden[:, t] is conditioned on tokens[:, :t].
  """
  n, length = tokens.shape
  return decode(
    generator,
    params,
    lambda hidden, t: (tokens[:, t], hidden),
    n=n,
    length=length,
    context=context,
    unroll=unroll,
  )


def teacher_force(
  generator: Generator, params: Params, tokens: Array, **options
) -> Array:
  """Logits of the next token at every position of given text, [n, T, V].

  The readout is one product over all positions, outside of the scan.
  """
  hidden = replay(generator, params, tokens, **options)
  return generator.readout(params, hidden)


def marginal(
  generator: Generator,
  params: Params,
  tokens: Array,
  temperature: Array | float = 1.0,
  *,
  draws: int,
  own: Array | None = None,
  unroll: int = 1,
) -> Array:
  """Log-probabilities [n, T, V] of a generator with latent noise.

  p(x_t | x_<t) = sum_k p(x_<t | z_k) p(x_t | x_<t, z_k) / sum_k p(x_<t | z_k)
  over `draws` fixed z_k of the prior. Their mean over the positions' tokens is
  by Jensen's inequality no more, in expectation, than log E_z p(x | z). Of a
  sample the z that it was drawn from is one more, z_0: then the mean over such
  samples is no less (Yin and Zhou, 2018, semi-implicit variational inference,
  Proposition 1). So KL(p || q) from given text and KL(q || p) from samples are
  both upper bounds, and more draws bring both closer.

  Args:
    tokens: int32 [n, T]; words beyond the vocabulary leave p(x_<t | z) alone
    temperature: divides the logits, given z
    own: uint32 [n, 2], the row keys from which the tokens were sampled
  """
  n, length = tokens.shape
  vocab = generator.vocab_size
  # A key that nobody samples with: these z are not those of any sample.
  key = jax.random.fold_in(jax.random.key(0), 2**31 - 1)
  latents = generator.latent(random.row_keys(key, draws))
  latents = jnp.broadcast_to(latents[:, None], (draws, n, latents.shape[-1]))
  if own is not None:
    latents = jnp.concatenate([latents, generator.latent(own)[None]])
  known = tokens < vocab
  index = jnp.where(known, tokens, 0)[..., None]

  def one(sums, z):
    joint, prefix = sums
    logits = teacher_force(generator, params, tokens, context=z, unroll=unroll)
    log_probs = jax.nn.log_softmax(logits / temperature)
    chosen = jnp.take_along_axis(log_probs, index, axis=-1)[..., 0]
    chosen = jnp.where(known, chosen, 0)
    before = jnp.cumsum(jnp.pad(chosen[:, :-1], ((0, 0), (1, 0))), axis=1)
    joint = jnp.logaddexp(joint, before[..., None] + log_probs)
    return (joint, jnp.logaddexp(prefix, before)), None

  start = (
    jnp.full((n, length, vocab), -jnp.inf),
    jnp.full((n, length), -jnp.inf),
  )
  (joint, prefix), _ = jax.lax.scan(one, start, latents)
  return joint - prefix[..., None]


def noise(rows: Array, length: int, width: int) -> Array:
  """The Gumbel noise that `sample` used, [n, T, V]; rows: uint32 [n, 2]."""
  steps = jnp.arange(length, dtype=jnp.int32)[None]
  return random.row_gumbel(rows[:, None], steps, width)


class Relaxed(NamedTuple):
  """A relaxed sample.

  tokens: int32 [n, T], the hard sample
  hidden: [n, T, H]
  rows: [n, T, ...], `contract` of the relaxed rows [n, V] of each step
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
  """Samples with relaxed rows that carry a gradient to the generator.

  Args:
    rows: uint32 [n, 2] from `ops.random.row_keys`
    beta: inverse temperature of the relaxation (MoEGAN Eq 5)
    hard: straight-through rows in place of relaxed ones
    stochastic: False leaves out the Gumbel noise: soft-argmax rows and greedy
      tokens, so that samples differ by their latent noise only
    feedback: 'hard' feeds the sampled token, whose gradient is stopped by its
      being an integer; 'soft' feeds the row itself, gradient and all
    route: 'scan' differentiates through the sampling scan. 'replay' samples
      without a graph, then recomputes all logits by teacher forcing on the
      tokens already known: equal values and gradients, for hard feedback
    truncate: logits -> logits, such as `ops.relaxation.truncate`; before the
      noise
    contract: applied to the rows, [n, V] of a step or [n, T, V] of all, before
      they are kept; a map of the last axis such as an embedding saves the
      memory of [n, T, V]
  """
  vocab = generator.vocab_size
  context = _context(generator, rows, context)

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
    # Rows over the V words and the two symbols that are input only.
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
