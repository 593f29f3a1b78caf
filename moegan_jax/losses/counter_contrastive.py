"""The counter-contrastive loss of CCL."""

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.ops.arrays import traced

Array = jax.Array


def _cosine(x: Array, y: Array, eps: float = 1e-8) -> Array:
  """The cosine over the last axis; zero, with finite gradient, at zero."""

  def unit(z: Array) -> Array:
    return z * jax.lax.rsqrt(jnp.sum(z**2, axis=-1, keepdims=True) + eps)

  return jnp.sum(unit(x) * unit(y), axis=-1)


def _contrast(
  anchor: Array, positive: Array, negative: Array, temperature: float
) -> Array:
  """Eq 3 for vectors [B, F]."""
  pull = _cosine(anchor, negative) / temperature
  push = _cosine(anchor, positive) / temperature
  return jax.nn.logsumexp(jnp.concatenate([pull, push])) - jnp.mean(pull)


def counter_contrastive(
  anchor: Array,
  positive: Array,
  negative: Array,
  temperature: float = 0.5,
  reps: str = 'flatten',
) -> Array:
  """Pulls generated text to real text, against the similarity of real pairs.

  The second generator update of CCL, with D frozen. Reference: the CCL paper
  (Findings of EMNLP 2021), Eq 3: with s- and s+ the cosines of the anchor to
  the generated and to the real representation, over a batch of B,

    L = mean_i -log [ exp(s-_i / t) / sum_j (exp(s-_j / t) + exp(s+_j / t)) ]
      = logsumexp([s- / t; s+ / t]) - mean(s- / t).

  The sum pairs j with j only: 2 B terms, not a similarity matrix. Equal
  cosines give log 2B; by Jensen's inequality L > log B always. So gradients
  shrink as 1/B.

  For the generator anchor and positive are constants, and s+ but rescales the
  pull on s-. No gradient is stopped here, because the variant that adds Eq 3
  to D's loss needs them all.

  Args:
    anchor: [B, S, F], D's features of real sentences.
    positive: [B, S, F], of the same sentences under another dropout mask.
    negative: [B, S, F], of generated sentences.
    temperature: t; divides the cosines.
    reps: 'flatten' compares vectors of S F features, 'per_rep' averages the
      loss over the S representations.

  Returns:
    A scalar.

  Raises:
    UserError: on an unknown `reps` or a temperature that is not positive.
  """
  chex.assert_rank([anchor, positive, negative], 3)
  chex.assert_equal_shape([anchor, positive, negative])
  if not traced(temperature) and not temperature > 0:
    raise UserError(
      f'the contrastive temperature is {temperature}; give a positive number'
    )
  features = (anchor, positive, negative)
  if reps == 'flatten':
    flat = (x.reshape(x.shape[0], -1) for x in features)
    return _contrast(*flat, temperature)
  if reps == 'per_rep':
    losses = jax.vmap(
      lambda *x: _contrast(*x, temperature), in_axes=1, out_axes=0
    )(*features)
    return jnp.mean(losses)
  raise UserError(
    f"contrastive reps {reps!r} is unknown; choose 'flatten' or 'per_rep'"
  )
