"""A recurrent discriminator."""

from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.embedding import embed, gram
from moegan_jax.nets.initializers import Initializers
from moegan_jax.ops import random
from moegan_jax.ops.recurrence import unroll
from moegan_jax.types import Array, Critique, Discriminator, Params


def recurrent_critic(
  *,
  vocab_size: int,
  length: int,
  embed_dim: int,
  cell: Cell,
  per_token: bool,
  dropout: float,
  classifier: bool = True,
  init: Initializers,
  input_dropout: float = 0.0,
  positions: int = 0,
) -> Discriminator:
  """Builds a discriminator from embedding, input projection, cell and logit.

  Args:
    vocab_size: V
    length: T
    embed_dim: E
    cell: the recurrent cell
    per_token: True judges every prefix: logits [B, T], and features [B, 1, H]
      are the mean of the outputs over time. False judges the whole sentence by
      the last output: logits [B], and features [B, 1, H] are that output.
    dropout: share of the cell's outputs that is dropped when `judge` gets a
      key, before logit and features, as in `nets.cnn`
    classifier: whether the network has a logit
    init: initialisers
    input_dropout: share of the entries of the embedding that is dropped when
      `judge` gets a key
    positions: P, number of sine waves of the position that are fed beside the
      embedding, see `position_waves`

  Returns:
    A Discriminator. Its parameters are a dict of the groups 'embed' [V, E],
    'input' (E + P -> input width of the cell), 'core' (the cell) and, for a
    classifier, 'logit' (H -> 1).

  Raises:
    UserError: a size below one, or a dropout rate out of range.

  With an LSTM this is the discriminator of GSGAN (Kusner and Hernández-Lobato
  2016).
  """
  for name, value in (('embed', embed_dim), ('length', length)):
    if value < 1:
      raise UserError(f'discriminator.{name}={value} must be at least 1')
  for rate in (dropout, input_dropout):
    if not 0 <= rate < 1:
      raise UserError(f'discriminator.dropout={rate} must be in [0, 1)')
  waves = position_waves(length, positions)
  project = nn.Dense(
    cell.input_width, kernel_init=init.linear, bias_init=init.bias
  )
  readout = nn.Dense(1, kernel_init=init.linear, bias_init=init.bias)

  def init_params(key: Array) -> Params:
    k_embed, k_input, k_core, k_logit = jax.random.split(key, 4)
    u = jnp.zeros((1, cell.input_width))
    width = embed_dim + positions
    params = {
      'embed': init.embedding(k_embed, (vocab_size, embed_dim)),
      'input': project.init(k_input, jnp.zeros((1, width)))['params'],
      'core': cell.module.init(k_core, cell.initial(1), u)['params'],
    }
    if classifier:
      h = jnp.zeros((1, cell.width))
      params['logit'] = readout.init(k_logit, h)['params']
    return params

  def judge(
    params: Params, embedded: Array, key: Array | None = None
  ) -> Critique:
    chex.assert_shape(embedded, (None, length, embed_dim))
    x = embedded
    if key is not None:
      # The outputs use the key itself.
      x = random.dropout(x, jax.random.fold_in(key, 1), input_dropout)
    if positions:
      beside = jnp.broadcast_to(waves, (len(x), *waves.shape))
      x = jnp.concatenate([x, beside], axis=-1)
    _, hidden = unroll(
      lambda carry, u: cell.module.apply({'params': params['core']}, carry, u),
      cell.initial(embedded.shape[0]),
      project.apply({'params': params['input']}, x),
    )
    if not per_token:
      hidden = hidden[:, -1:]
    if key is not None:
      hidden = random.dropout(hidden, key, dropout)
    features = hidden.mean(1, keepdims=True)
    if not classifier:
      return Critique(None, features)
    read: Any = readout.apply({'params': params['logit']}, hidden)
    logits = read[..., 0]
    return Critique(logits if per_token else logits[:, 0], features)

  return Discriminator(init_params, embed, judge, gram)


def position_waves(length: int, count: int) -> np.ndarray:
  """Returns fixed sine waves of the position.

  Args:
    length: T
    count: P

  Returns:
    float32 [T, P]. Wave p is cos(pi (t / period_p + shift_p)). The periods are
    a geometric sequence from 2 to T, and the shifts a linear one from 0 to 2.

  Source: ScratchGAN (Masson d'Autume et al. 2019), released code.
  """
  periods = np.geomspace(2, length, count)
  shifts = np.linspace(0, 2, count)
  t = np.arange(length)[:, None]
  return np.cos(np.pi * (t / periods + shifts)).astype(np.float32)
