"""The class of a text as the context of a conditional generator."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.ops import random
from moegan_jax.types import Array, Generator, Params, Support

# The step at which a row draws its class. No draw of a token uses it.
_STEP = 2**32 - 1


def support(shares: Sequence[float]) -> Support:
  """Returns the one-hot classes and the logarithms of their shares.

  Args:
    shares: the K shares of the classes, which sum to one
  """
  count = len(shares)
  return Support(jnp.eye(count), jnp.log(jnp.asarray(shares, jnp.float32)))


def draw(rows: Array, shares: Sequence[float]) -> Array:
  """Draws the class of each row from the shares.

  Args:
    rows: uint32 [n, 2], see `random.row_keys`. A class depends on the key of
      its row only.
    shares: the K shares of the classes, which sum to one

  Returns:
    float32 [n, K], one-hot.
  """
  u = random.row_uniform(rows, jnp.uint32(_STEP))[:, None]
  # A row has the first class whose cumulated share exceeds u.
  bounds = jnp.asarray(np.cumsum(shares)[:-1], jnp.float32)[None]
  return jax.nn.one_hot(jnp.sum(u >= bounds, axis=1), len(shares))


def per_class(expert: Generator, shares: Sequence[float]) -> Generator:
  """Builds a generator for each class (SentiGAN, Wang and Wan 2018).

  Args:
    expert: the generator of one class, without a context. The rows are the
      first axis of its carry.
    shares: the K shares of the classes, which sum to one

  Returns:
    A Generator whose context is the one-hot class [n, K]. Its parameters are
    those of the expert with a leading axis [K], initialised independently. Its
    hidden output [n, H + K] is that of the own expert beside the class.

  All K experts compute every row, and the output of the own one is selected.
  So K classes cost K times as much as one, whatever the classes of the rows.
  """
  count = len(shares)

  def select(outputs: Any, context: Array) -> Any:
    """Selects from a pytree of [K, n, ...] the rows of the own expert."""

    def one(x: Array) -> Array:
      weights = context.T.reshape(*context.T.shape, *[1] * (x.ndim - 2))
      return jnp.sum(x * weights, axis=0)

    return jax.tree.map(one, outputs)

  def init(key: Array) -> Params:
    return jax.vmap(expert.init)(jax.random.split(key, count))

  def begin(params: Params, n: int, context=None):
    if context is None:
      raise ValueError('a generator of each class requires classes as context')
    first = jax.vmap(lambda p: expert.begin(p, n, None))(params)
    return select(first, context), context

  def embed(params: Params, tokens: Array) -> Array:
    return jax.vmap(expert.embed, (0, None), 1)(params, tokens)  # [n, K, E]

  def step(params: Params, carry, x: Array):
    state, context = carry
    outputs = jax.vmap(expert.step, (0, None, 1))(params, state, x)
    state, hidden = select(outputs, context)
    return (state, context), jnp.concatenate([hidden, context], axis=-1)

  def readout(params: Params, hidden: Array) -> Array:
    own, context = jnp.split(hidden, [hidden.shape[-1] - count], axis=-1)
    logits = jax.vmap(expert.readout, (0, None), -1)(params, own)
    return jnp.sum(logits * context[..., None, :], axis=-1)  # of [..., V, K]

  return expert._replace(
    init=init,
    prepare=jax.vmap(expert.prepare),
    begin=begin,
    embed=embed,
    step=step,
    readout=readout,
    latent=lambda rows: draw(rows, shares),
    support=support(shares),
  )
