"""A head of a discriminator that tells classes of real text and samples apart.

A softmax over K + 1 logits gives the probabilities of the K classes of real
text, and last that of samples (SentiGAN, Wang and Wan 2018).
"""

import jax
import jax.numpy as jnp

from moegan_jax.nets.initializers import Initializers
from moegan_jax.types import Array, Critique, Discriminator, Params

# Key of the head in the parameters. `pools` penalises the layer of this name.
_HEAD = 'logit'


def with_class_head(
  disc: Discriminator, *, length: int, classes: int, init: Initializers
) -> Discriminator:
  """Adds a class head to a discriminator without logits.

  Args:
    disc: the discriminator, whose features [n, S, F] the head reads
    length: T
    classes: K
    init: initialisers of the head

  Returns:
    A Discriminator. The logits of its critique are [n], the log-odds of real
    text of any class; `aux` has the K + 1 logits [n, K + 1].
  """

  def init_params(key: Array) -> Params:
    k_disc, k_kernel, k_bias = jax.random.split(key, 3)
    phi = disc.init(k_disc)
    text = disc.embed(phi, jnp.zeros((1, length), jnp.int32))
    features = jax.eval_shape(lambda: disc.judge(phi, text, None).features).size
    head = {
      'kernel': init.linear(k_kernel, (features, classes + 1)),
      'bias': init.bias(k_bias, (classes + 1,)),
    }
    return phi | {_HEAD: head}

  def judge(phi: Params, embedded: Array, key: Array | None) -> Critique:
    features = disc.judge(phi, embedded, key).features
    flat = features.reshape(features.shape[0], -1)
    logits = flat @ phi[_HEAD]['kernel'] + phi[_HEAD]['bias'][None]
    real = jax.nn.logsumexp(logits[:, :-1], axis=-1) - logits[:, -1]
    return Critique(real, features, logits)

  return disc._replace(init=init_params, judge=judge)
