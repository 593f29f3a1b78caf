"""The losses of SLGAN: what a sequence generator G_d changes in a sentence.

G_d maps a sentence to a word distribution at every position. It learns to give
real text back and to change generated text; a generator then moves towards
what G_d makes of its samples. The paper writes a divergence ||p - q||_kl and
leaves its direction open; each function here says which one it takes.
"""

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.ops.arrays import traced

Array = jax.Array


def _divergence(logits: Array, other: Array) -> Array:
  """KL(p || q) in nats of logits [B, T, V] each, the mean over B and T."""
  chex.assert_rank([logits, other], 3)
  chex.assert_equal_shape([logits, other])
  log_p, log_q = jax.nn.log_softmax(logits), jax.nn.log_softmax(other)
  return jnp.mean(jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=-1))


def reconstruction(logits: Array, tokens: Array) -> Array:
  """How badly G_d restores a sentence: Sim_s, SLGAN Eq 3.

  With one-hot x, KL(x || G_d(x~)) is the cross-entropy.

  Args:
    logits: [B, T, V], G_d's of corrupted sentences x~, see `corrupt`
    tokens: int [B, T], the sentences x themselves

  Returns:
    A scalar, in nats a position.
  """
  return negative_log_likelihood(logits, tokens)


def sequence_contrast(
  real_logits: Array, fake_logits: Array, margin: float = 10.0
) -> Array:
  """How far apart G_d holds real and generated text: Sim_d, SLGAN Eq 2.

  KL(G_d(x) || G_d(y)) position by position and x beside y by batch index: the
  paper's pairs are random ones. D maximises it, and as it has no upper bound
  the mean is clipped: beyond the margin there is no gradient.

  Args:
    real_logits: [B, T, V], G_d's of real sentences x
    fake_logits: [B, T, V], G_d's of generated sentences y
    margin: in nats a position; no clip unless positive

  Returns:
    A scalar. Both arguments receive gradients.
  """
  value = _divergence(real_logits, fake_logits)
  # Not an `if`: the margin may be traced.
  return jnp.minimum(value, jnp.where(margin > 0, margin, jnp.inf))


def towards(
  target_logits: Array, logits: Array, direction: str = 'forward'
) -> Array:
  """Moves a generator towards G_d's rewriting: L_adv of G, SLGAN Eq 6.

  Args:
    target_logits: [B, T, V], G_d's of generated sentences, held constant
    logits: [B, T, V], the generator's of the same sentences
    direction: 'forward', KL(target || model), has a gradient wherever the
      target puts probability; 'reverse', KL(model || target), fades where the
      model puts none

  Returns:
    A scalar, in nats a position.

  Raises:
    UserError: an unknown direction.
  """
  target = jax.lax.stop_gradient(target_logits)
  if direction == 'forward':
    return _divergence(target, logits)
  if direction == 'reverse':
    return _divergence(logits, target)
  raise UserError(
    f"direction {direction!r} is unknown; choose 'forward' or 'reverse'"
  )


def corrupt(tokens: Array, key: Array, rate: float, unknown: int) -> Array:
  """Sentences in which random words are unknown: x~ of SLGAN Eq 3.

  Every position is replaced with the same probability, independently; padding
  is a word like any other.

  Args:
    tokens: int [B, T]
    rate: share of replaced positions, in [0, 1)
    unknown: the id of the unknown word

  Returns:
    int [B, T].

  Raises:
    UserError: a rate out of range.
  """
  chex.assert_rank(tokens, 2)
  chex.assert_type(tokens, int)
  if not traced(rate) and not 0 <= rate < 1:
    raise UserError(f'the corruption rate is {rate}; it must be in [0, 1)')
  replaced = jax.random.bernoulli(key, rate, tokens.shape)
  return jnp.where(replaced, unknown, tokens)
