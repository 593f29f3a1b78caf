"""The losses of SLGAN, which compare a sentence with its rewriting.

A sequence generator G_d maps a sentence to a word distribution at every
position. It learns to reconstruct real text and to change generated text. The
text generator then moves towards the rewriting of its samples. The paper writes
a divergence ||p - q||_kl without its direction. Each function here states the
direction that it uses.
"""

import chex
import jax
import jax.numpy as jnp

from moegan_jax import errors
from moegan_jax.losses.divergence import token_divergence
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.ops.arrays import traced

Array = jax.Array


def _divergence(logits: Array, other: Array) -> Array:
  """Returns KL(p || q) in nats, averaged over B and T."""
  return jnp.mean(token_divergence(logits, other))


def reconstruction(logits: Array, tokens: Array) -> Array:
  """Returns the reconstruction loss of G_d: Sim_s, SLGAN Eq 3.

  Args:
    logits: [B, T, V], logits of G_d for corrupted sentences x~, see `corrupt`
    tokens: int [B, T], the original sentences x

  Returns:
    A scalar, in nats per position.

  For a one-hot x, KL(x || G_d(x~)) is the cross-entropy.
  """
  return negative_log_likelihood(logits, tokens)


def sequence_contrast(
  real_logits: Array, fake_logits: Array, margin: float = 10.0
) -> Array:
  """Returns the divergence of G_d's outputs for real and generated text.

  Args:
    real_logits: [B, T, V], logits of G_d for real sentences x
    fake_logits: [B, T, V], logits of G_d for generated sentences y
    margin: upper bound of the result, in nats per position; no bound unless
      positive

  Returns:
    A scalar, in nats per position. Both arguments receive gradients.

  This is Sim_d, SLGAN Eq 2: KL(G_d(x) || G_d(y)) at each position. x and y are
  paired by their index in the batch. Batches are random, so the pairs are
  random ones, as in the paper. D maximises the loss. It is unbounded, so the
  mean is clipped at the margin, above which the gradient is zero.
  """
  value = _divergence(real_logits, fake_logits)
  # The margin may be traced, so `if` is not possible.
  return jnp.minimum(value, jnp.where(margin > 0, margin, jnp.inf))


def towards(
  target_logits: Array, logits: Array, direction: str = 'forward'
) -> Array:
  """Returns the loss that moves a generator towards G_d's rewriting.

  Args:
    target_logits: [B, T, V], logits of G_d for generated sentences; constant
    logits: [B, T, V], logits of the generator for the same sentences
    direction: 'forward' is KL(target || model), whose gradient is large
      wherever the target puts probability; 'reverse' is KL(model || target),
      whose gradient vanishes where the model puts none

  Returns:
    A scalar, in nats per position.

  Raises:
    UserError: an unknown direction.

  This is L_adv of G, SLGAN Eq 6.
  """
  target = jax.lax.stop_gradient(target_logits)
  if direction == 'forward':
    return _divergence(target, logits)
  if direction == 'reverse':
    return _divergence(logits, target)
  raise errors.unknown('slgan.direction', direction, ('forward', 'reverse'))


def corrupt(tokens: Array, key: Array, rate: float, unknown: int) -> Array:
  """Replaces random words by the unknown word: x~ of SLGAN Eq 3.

  Args:
    tokens: int [B, T]
    key: typed PRNG key
    rate: probability of replacing a position, in [0, 1)
    unknown: id of the unknown word

  Returns:
    int [B, T].

  Raises:
    UserError: the rate is out of range.

  Positions are replaced independently. Padding is treated as a word.
  """
  chex.assert_rank(tokens, 2)
  chex.assert_type(tokens, int)
  if not traced(rate) and not 0 <= rate < 1:
    raise errors.UserError(f'slgan.noise={rate} must be in [0, 1)')
  replaced = jax.random.bernoulli(key, rate, tokens.shape)
  return jnp.where(replaced, unknown, tokens)
