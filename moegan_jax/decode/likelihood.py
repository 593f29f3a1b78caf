"""Likelihood of generators with a random context."""

import jax
import jax.numpy as jnp

from moegan_jax.decode.sampling import teacher_force
from moegan_jax.ops import random
from moegan_jax.types import Array, Generator, Params


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
  """Returns log-probabilities averaged over the context of a generator.

  Args:
    generator: a generator with `latent`: latent noise or classes
    params: its parameters
    tokens: int32 [n, T]. Ids of V and above are fed to the generator, but do
      not count towards p(x_<t | z).
    temperature: divides the logits, given z
    draws: number of latent vectors; not read with classes
    own: uint32 [n, 2], the row keys from which the tokens were sampled; None
      for other text. Not read with classes.
    unroll: see `ops.devices.unroll`

  Returns:
    log p(x_t | x_<t) in nats, [n, T, V]. It is exact for a generator with
    classes, and an estimate for one with latent noise.

  Raises:
    ValueError: the generator has no latent noise.

  With the prior pi over all contexts z_k,

      p(x_t | x_<t) = sum_k pi_k p(x_<t | z_k) p(x_t | x_<t, z_k)
                      / sum_k pi_k p(x_<t | z_k)

  The z_k are the classes, with their shares pi_k, or else `draws` fixed vectors
  from the prior of the latent noise. With `own` these also include the vector
  z_0 that each sample was drawn from.

  For latent noise, by Jensen's inequality, the expected log-likelihood of given
  text is at most log E_z p(x | z). For samples whose z_0 is included it is at
  least as large (Yin and Zhou 2018, semi-implicit variational inference,
  Proposition 1). Therefore KL(p || q) estimated from given text and KL(q || p)
  estimated from samples are both upper bounds. More draws tighten both.
  """
  latent = generator.latent
  if latent is None:
    raise ValueError('the generator has no latent noise; use teacher_force')
  n, length = tokens.shape
  vocab, support = generator.vocab_size, generator.support
  if support is not None:
    contexts, log_priors = support
  else:
    # No sampler uses this key, so the draws are independent of all samples.
    key = jax.random.fold_in(jax.random.key(0), 2**31 - 1)
    contexts = latent(random.row_keys(key, draws))
    log_priors = jnp.zeros(draws)
  contexts = jnp.broadcast_to(
    contexts[:, None], (len(contexts), n, contexts.shape[-1])
  )
  if own is not None and support is None:
    contexts = jnp.concatenate([contexts, latent(own)[None]])
    log_priors = jnp.zeros(draws + 1)
  known = tokens < vocab
  index = jnp.where(known, tokens, 0)[..., None]

  def one(sums, inputs):
    (joint, prefix), (z, log_prior) = sums, inputs
    logits = teacher_force(generator, params, tokens, context=z, unroll=unroll)
    log_probs = jax.nn.log_softmax(logits / temperature)
    chosen = jnp.take_along_axis(log_probs, index, axis=-1)[..., 0]
    chosen = jnp.where(known, chosen, 0)
    before = jnp.cumsum(jnp.pad(chosen[:, :-1], ((0, 0), (1, 0))), axis=1)
    before = before + log_prior
    joint = jnp.logaddexp(joint, before[..., None] + log_probs)
    return (joint, jnp.logaddexp(prefix, before)), None

  start = (
    jnp.full((n, length, vocab), -jnp.inf),
    jnp.full((n, length), -jnp.inf),
  )
  (joint, prefix), _ = jax.lax.scan(one, start, (contexts, log_priors))
  return joint - prefix[..., None]
