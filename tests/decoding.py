"""Generators and compiled functions that the tests of `decode` share."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax import decode
from moegan_jax.nets import cells, gated
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import mixture, recurrent
from moegan_jax.ops import random

B, T, V = 4, 5, 7
INIT = initializers('seqgan')
LSTM = recurrent(
  gated.lstm(width=4, init=INIT), vocab_size=V, embed_dim=3, init=INIT
)
MEMORY = recurrent(
  cells.relational_memory(slots=2, head_size=2, init=INIT),
  vocab_size=V,
  embed_dim=3,
  init=INIT,
)
MODELS = {
  'lstm': LSTM,
  'memory': mixture(MEMORY, experts=2),
  'probabilities': mixture(
    LSTM, experts=2, sharing='none', aggregation='prob_mean'
  ),
}
MODEL = LSTM


def noisy(model):
  """Returns parameters large enough for logits that depend on the text."""
  rng = np.random.RandomState(0)
  return jax.tree.map(
    lambda x: jnp.asarray(0.8 * rng.randn(*x.shape), x.dtype),
    jax.eval_shape(model.init, jax.random.key(0)),
  )


PARAMS = noisy(MODEL)
ROWS = random.row_keys(jax.random.key(1), B)
OTHER_ROWS = random.row_keys(jax.random.key(2), B)
RNG = np.random.RandomState(1)
TOKENS = jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32)
TABLE = jnp.asarray(RNG.randn(V, 3), jnp.float32)
WEIGHTS = jnp.asarray(RNG.randn(B, T, 3), jnp.float32)
BETA = 1.5
SAMPLE = jax.jit(
  lambda rows, temperature=1.0: decode.sample(
    MODEL, PARAMS, rows, length=T, temperature=temperature
  )
)
FORCE = jax.jit(lambda tokens: decode.teacher_force(MODEL, PARAMS, tokens))
READOUT = jax.jit(lambda hidden: MODEL.readout(PARAMS, hidden))


@jax.jit
def feed(start, rows):
  """Returns hidden outputs [n, T, H] for weights [n, T, V + 2] as inputs."""
  return decode.decode(
    MODEL,
    PARAMS,
    lambda hidden, t: (rows[:, t], hidden),
    n=B,
    length=T,
    start=start,
  ).kept


def relax(params=PARAMS, beta=BETA, **settings):
  return decode.relax(MODEL, params, ROWS, beta, length=T, **settings)


RELAX = jax.jit(relax)


@functools.cache
def value_and_grad(after=False, **settings):
  """Returns a loss of embedded rows and hidden outputs, and its gradients."""

  def loss(params, table):
    if after:
      drawn = relax(params, **settings)
      embedded = drawn.relaxed @ table
    else:
      drawn = relax(params, project=lambda relaxed: relaxed @ table, **settings)
      embedded = drawn.relaxed
    value = jnp.sum(WEIGHTS * jnp.sin(embedded)) + jnp.sum(drawn.hidden**2)
    return value, (drawn.tokens, drawn.hidden, embedded)

  return jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
