"""The counter-contrastive loss of CCL."""

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, unknown
from moegan_jax.ops.arrays import traced

Array = jax.Array


def _cosine(x: Array, y: Array, eps: float = 1e-8) -> Array:
  """Returns the cosine over the last axis.

  For a zero vector the value is zero and the gradient is finite.
  """

  def unit(z: Array) -> Array:
    return z * jax.lax.rsqrt(jnp.sum(z**2, axis=-1, keepdims=True) + eps)

  return jnp.sum(unit(x) * unit(y), axis=-1)


def _contrast(
  anchor: Array, positive: Array, negative: Array, temperature: float
) -> Array:
  """Returns Eq 3 for vectors [B, F]."""
  fake = _cosine(anchor, negative) / temperature
  real = _cosine(anchor, positive) / temperature
  return jax.nn.logsumexp(jnp.concatenate([fake, real])) - jnp.mean(fake)


def counter_contrastive(
  anchor: Array,
  positive: Array,
  negative: Array,
  temperature: float = 0.5,
  reps: str = 'flatten',
) -> Array:
  """Returns the counter-contrastive loss of CCL.

  Args:
    anchor: [B, S, F], D's features of real sentences
    positive: [B, S, F], features of the same sentences with another dropout
      mask
    negative: [B, S, F], features of generated sentences
    temperature: t, which divides the cosines
    reps: 'flatten' compares vectors of S F features; 'per_rep' averages the
      loss over the S representations

  Returns:
    A scalar.

  Raises:
    UserError: an unknown `reps` or a temperature that is not positive.

  The second generator update of CCL minimises it. It pulls generated text
  towards real text, relative to the similarity of pairs of real text.
  Reference: the CCL paper (Findings of EMNLP 2021), Eq 3. With s- and s+ the
  cosines of the anchor with the generated and with the real representation,
  over a batch of B,

      L = mean_i -log [ exp(s-_i / t) / sum_j (exp(s-_j / t) + exp(s+_j / t)) ]
        = logsumexp([s- / t; s+ / t]) - mean(s- / t).

  The sum has 2 B terms, because it pairs sentence j only with itself and not
  with all others. Equal cosines give log 2B. By Jensen's inequality L > log B.
  The gradient with respect to one cosine is of order 1 / B.

  For the generator anchor and positive are constants, and s+ only rescales the
  pull on s-. No gradient is stopped here, because the variant that adds Eq 3 to
  the loss of D needs all of them.
  """
  chex.assert_rank([anchor, positive, negative], 3)
  chex.assert_equal_shape([anchor, positive, negative])
  if not traced(temperature) and not temperature > 0:
    raise UserError(f'ccl.temperature={temperature} must be a positive number')
  features = (anchor, positive, negative)
  if reps == 'flatten':
    a, p, n = (x.reshape(x.shape[0], -1) for x in features)
    return _contrast(a, p, n, temperature)
  if reps == 'per_rep':
    losses = jax.vmap(
      lambda a, p, n: _contrast(a, p, n, temperature), in_axes=1, out_axes=0
    )(*features)
    return jnp.mean(losses)
  raise unknown('ccl.reps', reps, ('flatten', 'per_rep'))
