"""The scan over timesteps for sampling, relaxation and teacher forcing.

There is one loop, `decode`. Its policy receives the hidden output of a step and
chooses the input of the next step and the values to keep.
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

# (hidden [n, H], t) -> next input (int32 [n] or weights [n, V]), kept pytree
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

  Returns:
    The kept values in batch-major order, a pytree of [n, T, ...].
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
  """A sample.

  tokens: int32 [n, T]
  hidden: [n, T, H], the inputs of `Generator.readout`
  """

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
  """Draws exact samples with the Gumbel-max trick (MoEGAN Eq 4).

  Args:
    generator: the generator
    params: its parameters
    rows: uint32 [n, 2] from `ops.random.row_keys`. A row of the result depends
      on its own key only.
    length: T
    temperature: divides the logits
    truncate: logits -> logits, such as `ops.relaxation.truncate`, applied after
      the temperature and before the noise
    prefix: int32 [n, T], the tokens to keep where `given` is True
    given: bool [n, T], required with `prefix`. Any mask is valid: a prefix, or
      scattered positions for infilling.
    context: passed to `generator.begin`; default: the latent noise of the rows,
      if the generator has any
    unroll: steps per iteration of the compiled loop

  Returns:
    A Sampled.

  `relax` and `noise` use the same noise, so a sample can be relaxed afterwards.
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
  """Returns the given context, or the latent noise of the rows by default."""
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
  """Feeds given text to the generator and returns its hidden outputs.

  Args:
    generator: the generator
    params: its parameters
    tokens: int32 [n, T]
    context: passed to `generator.begin`
    unroll: steps per iteration of the compiled loop

  Returns:
    [n, T, H]; hidden[:, t] is conditioned on tokens[:, :t].
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
  """Estimates the log-probabilities of a generator with latent noise.

  Args:
    generator: a generator with `latent`
    params: its parameters
    tokens: int32 [n, T]. Ids of V and above are fed to the generator, but do
      not count towards p(x_<t | z).
    temperature: divides the logits, given z
    draws: number of latent vectors
    own: uint32 [n, 2], the row keys from which the tokens were sampled; None
      for other text
    unroll: steps per iteration of the compiled loop

  Returns:
    Estimates of log p(x_t | x_<t) in nats, [n, T, V].

  The estimate uses `draws` fixed vectors z_k from the prior:

    p(x_t | x_<t) =
      sum_k p(x_<t | z_k) p(x_t | x_<t, z_k) / sum_k p(x_<t | z_k)

  With `own` the sums include the vector z_0 that each sample was drawn from.

  By Jensen's inequality, the expected log-likelihood of given text is at most
  log E_z p(x | z). For samples whose z_0 is included it is at least as large
  (Yin and Zhou 2018, semi-implicit variational inference, Proposition 1).
  Therefore KL(p || q) estimated from given text and KL(q || p) estimated from
  samples are both upper bounds. More draws tighten both.
  """
  n, length = tokens.shape
  vocab = generator.vocab_size
  # No sampler uses this key, so the draws are independent of all samples.
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
  """Returns the Gumbel noise that `sample` used.

  Args:
    rows: uint32 [n, 2], the keys of the sample
    length: T
    width: V

  Returns:
    float32 [n, T, V].
  """
  steps = jnp.arange(length, dtype=jnp.int32)[None]
  return random.row_gumbel(rows[:, None], steps, width)


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
