"""A head of a discriminator that classifies ordered pairs of texts.

    logits(a, b) = W relu(U_1 f(a) + U_2 f(b) + b_1) + b_2

f are the features of the discriminator. `project` computes U_1 f + b_1 and
U_2 f once per text, so a pair costs one addition and the readout.
"""

import jax
import jax.numpy as jnp

from moegan_jax.nets.initializers import Initializers
from moegan_jax.types import Discriminator, Params

Array = jax.Array

_PAIR = 'pair'  # key of the head in the parameters of a discriminator


def with_pair_head(
  disc: Discriminator,
  *,
  length: int,
  hidden: int,
  classes: int,
  init: Initializers,
) -> Discriminator:
  """Adds the parameters of a pair head to those of a discriminator.

  Args:
    disc: the discriminator, whose features [n, S, F] the head reads
    length: T
    hidden: H, hidden units of the head
    classes: C, number of classes of a pair
    init: initialisers of the head
  """

  def init_params(key: Array) -> Params:
    k_disc, k_first, k_second, k_readout, k_bias = jax.random.split(key, 5)
    phi = disc.init(k_disc)
    text = disc.embed(phi, jnp.zeros((1, length), jnp.int32))
    features = jax.eval_shape(lambda: disc.judge(phi, text, None).features).size
    k_first_bias, k_readout_bias = jax.random.split(k_bias)
    head = {
      'first': {
        'kernel': init.linear(k_first, (features, hidden)),
        'bias': init.bias(k_first_bias, (hidden,)),
      },
      'second': {'kernel': init.linear(k_second, (features, hidden))},
      'readout': {
        'kernel': init.linear(k_readout, (hidden, classes)),
        'bias': init.bias(k_readout_bias, (classes,)),
      },
    }
    return phi | {_PAIR: head}

  return disc._replace(init=init_params)


def project(phi: Params, features: Array) -> tuple[Array, Array]:
  """Returns the projections of texts as first and as second of a pair.

  Args:
    phi: parameters of the discriminator
    features: [n, S F]

  Returns:
    U_1 f + b_1 and U_2 f, each [n, H].
  """
  first, second = phi[_PAIR]['first'], phi[_PAIR]['second']
  return (
    features @ first['kernel'] + first['bias'][None],
    features @ second['kernel'],
  )


def pair_logits(phi: Params, first: Array, second: Array) -> Array:
  """Returns the logits of all pairs of m first and k second texts.

  Args:
    phi: parameters of the discriminator
    first: [m, H], projections of the first texts
    second: [k, H], projections of the second texts

  Returns:
    [m, k, C].
  """
  hidden = jax.nn.relu(first[:, None] + second[None])
  readout = phi[_PAIR]['readout']
  return hidden @ readout['kernel'] + readout['bias'][None, None]
