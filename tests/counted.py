"""Counts the products of traced programs at tiny sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import toys

from moegan_jax import config, systems
from moegan_jax.train import operation_count
from moegan_jax.types import Batch, Spec

B, T, V = 4, 6, 11
SPEC = Spec(V, T, 40)


def tiny(system='moegan', **changes):
  """Returns small distinct sizes; `changes` are section_key=value."""
  c = toys.settings(system)
  sizes = {
    'generator__embed': 3,
    'generator__hidden': 5,
    'generator__head_size': 7,
    'generator__mlp_layers': 2,
  }
  # Wide enough for the scores of a filter to be a product, not sums.
  sizes |= {'discriminator__embed': 48, 'discriminator__features': 5}
  sizes |= {'discriminator__hidden': 6, 'mle__batch': B}
  sizes |= {'adversarial__batch': B, 'adversarial__g_steps': 2}
  sizes |= {'adversarial__d_steps': 3, 'eval__chunk': B}
  sizes = {key.replace('__', '.'): value for key, value in sizes.items()}
  given = {key.replace('_', '.', 1): value for key, value in changes.items()}
  return config.override(c, sizes | given, optional=sizes)


def traced(c, phase, part=None, spec=SPEC):
  """Returns the operations of the products in a traced update."""
  system = systems.build(c, spec)
  made = system.phases[phase]
  update = made.parts[part] if part else made.update
  shape = update.batches, made.batch_size, spec.length
  state = jax.eval_shape(system.init, jax.random.key(0))
  tokens = jax.ShapeDtypeStruct(shape, jnp.int32)
  return operation_count.flops(
    lambda s, t: update.apply(s, Batch(t), s.key), state, tokens
  )


def pooled(c, n):
  """Returns width -> operations of one position of all filters of D."""
  d = c.discriminator
  if d.get('kind') != 'cnn':
    return {}
  rows, channels = n * d.representations, d.embed // d.representations
  filters = np.broadcast_to(d.filters, len(d.widths)).tolist()
  counts = zip(d.widths, filters, strict=True)
  return {w: 2 * rows * w * channels * count for w, count in counts}


def idle_positions(c, n, length=T):
  """Returns the operations on zeros in the gradient of the pooled convolution.

  For either operand it is a product over all positions, although only one
  position per filter has a gradient. D has no filters wider than the text.
  """
  return sum(max(0, length - w) * one for w, one in pooled(c, n).items())
