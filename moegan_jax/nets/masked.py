"""Networks of MaskGAN, which read a text with blanks.

An encoder reads the masked text, in which the unknown word V + 1 stands for a
blank. A decoder with Luong attention reads the text from left to right.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.initializers import Initializers
from moegan_jax.nets.seq2seq import attend
from moegan_jax.ops import random
from moegan_jax.ops.recurrence import unroll
from moegan_jax.types import Array, Generator, Params


def masked(tokens: Array, given: Array, vocab_size: int) -> Array:
  """Replaces the tokens that are not given by the blank, V + 1.

  Args:
    tokens: int32 [n, T]
    given: bool [n, T]
    vocab_size: V
  """
  return jnp.where(given, tokens, vocab_size + 1)


class _Coder(NamedTuple):
  """An encoder and a decoder, which share an embedding.

  Attributes:
    init: key -> params
    encode: (params, masked text int32 [n, T]) -> carry of the decoder, and the
      outputs of the encoder [n, T, H]
    step: (params, carry, embedded [n, E]) -> carry, output [n, H]
    combine: (params, outputs [n, k, H], encoded [n, T, H]) -> [n, k, H], the
      outputs after attention
  """

  init: Callable[[Array], Params]
  encode: Callable[[Params, Array], tuple[Any, Array]]
  step: Callable[[Params, Any, Array], tuple[Any, Array]]
  combine: Callable[[Params, Array, Array], Array]


def _coder(
  *, vocab_size: int, embed_dim: int, cell: Cell, init: Initializers
) -> _Coder:
  """Builds encoder and decoder of the same cell; see `_Coder`."""
  width = cell.width
  project = nn.Dense(
    cell.input_width, kernel_init=init.linear, bias_init=init.bias
  )
  mix = nn.Dense(width, use_bias=False, kernel_init=init.linear)

  def init_params(key: Array) -> Params:
    keys = iter(jax.random.split(key, 7))
    x, u = jnp.zeros((1, embed_dim)), jnp.zeros((1, cell.input_width))
    carry, both = cell.initial(1), jnp.zeros((1, 2 * width))
    return {
      'embed': init.embedding(next(keys), (vocab_size + 2, embed_dim)),
      'encoder_input': project.init(next(keys), x)['params'],
      'encoder': cell.module.init(next(keys), carry, u)['params'],
      'decoder_input': project.init(next(keys), x)['params'],
      'decoder': cell.module.init(next(keys), carry, u)['params'],
      'score': init.linear(next(keys), (width, width)),
      'combine': mix.init(next(keys), both)['params'],
    }

  def encode(params: Params, context: Array) -> tuple[Any, Array]:
    chex.assert_rank(context, 2)
    u = project.apply(
      {'params': params['encoder_input']}, params['embed'][context]
    )
    return unroll(
      lambda carry, u: cell.module.apply(
        {'params': params['encoder']}, carry, u
      ),
      cell.initial(context.shape[0]),
      u,
    )

  def step(params: Params, carry: Any, x: Array) -> tuple[Any, Array]:
    u = project.apply({'params': params['decoder_input']}, x)
    result: Any = cell.module.apply({'params': params['decoder']}, carry, u)
    return result

  def combine(params: Params, outputs: Array, encoded: Array) -> Array:
    contexts, _ = attend(outputs, encoded, params['score'])
    both = jnp.concatenate([contexts, outputs], axis=-1)
    mixed: Any = mix.apply({'params': params['combine']}, both)
    return jnp.tanh(mixed)

  return _Coder(init_params, encode, step, combine)


def masked_generator(
  *,
  vocab_size: int,
  length: int,
  embed_dim: int,
  cell: Cell,
  init: Initializers,
) -> Generator:
  """Builds a generator that fills in blanks.

  Args:
    vocab_size: V
    length: T
    embed_dim: E
    cell: the recurrent cell of encoder and decoder
    init: initialisers

  Returns:
    A Generator. Its context is a masked text, int32 [n, T], see `masked`; by
    default all is blank. The decoder starts from the last state of the encoder,
    and reads the token before each position.

  Reference: MaskGAN (Fedus et al. 2018). Encoder and decoder share their
  embedding, as there.
  """
  coder = _coder(
    vocab_size=vocab_size, embed_dim=embed_dim, cell=cell, init=init
  )
  head = nn.Dense(vocab_size, kernel_init=init.linear, bias_init=init.bias)

  def init_params(key: Array) -> Params:
    k_coder, k_head = jax.random.split(key)
    h = jnp.zeros((1, cell.width))
    own = {'head': head.init(k_head, h)['params']}
    return coder.init(k_coder) | own

  def begin(params: Params, n: int, context: Array | None = None):
    if context is None:
      context = jnp.full((n, length), vocab_size + 1, jnp.int32)
    return coder.encode(params, context)

  def embed(params: Params, tokens: Array) -> Array:
    if jnp.issubdtype(tokens.dtype, jnp.integer):
      return params['embed'][tokens]
    return tokens @ params['embed'][: tokens.shape[-1]]

  def step(params: Params, carry, x: Array):
    state, encoded = carry
    state, output = coder.step(params, state, x)
    hidden = coder.combine(params, output[:, None], encoded)[:, 0]
    return (state, encoded), hidden

  def readout(params: Params, hidden: Array) -> Array:
    logits: Any = head.apply({'params': params['head']}, hidden)
    return logits

  return Generator(
    init_params, lambda params: params, begin, embed, step, readout, vocab_size
  )


class Judged(NamedTuple):
  """The output of a masked critic.

  Attributes:
    logits: [n, T], verdict on each token given the masked text and the tokens
      up to it
    before: [n, T, H], the state before each token is read
  """

  logits: Array
  before: Array


class MaskedCritic(NamedTuple):
  """A discriminator of filled text, with a critic, as pure functions.

  Attributes:
    init: key -> params. The group 'critic' belongs to the critic.
    judge: (params, masked text int32 [n, T], tokens int32 [n, T], key or None)
      -> Judged. Without a key there is no dropout.
    value: (params, `Judged.before`) -> [n, T], the expected return before each
      token. Its gradient reaches the group 'critic' only.
  """

  init: Callable[[Array], Params]
  judge: Callable[[Params, Array, Array, Array | None], Judged]
  value: Callable[[Params, Array], Array]


def masked_critic(
  *,
  vocab_size: int,
  embed_dim: int,
  cell: Cell,
  dropout: float,
  init: Initializers,
) -> MaskedCritic:
  """Builds the discriminator of MaskGAN, with the networks of its generator.

  Args:
    vocab_size: V
    embed_dim: E
    cell: the recurrent cell of encoder and decoder
    dropout: share of the outputs that is dropped before the logits
    init: initialisers

  Raises:
    UserError: a dropout rate out of range.
  """
  if not 0 <= dropout < 1:
    raise UserError(f'discriminator.dropout={dropout} must be in [0, 1)')
  coder = _coder(
    vocab_size=vocab_size, embed_dim=embed_dim, cell=cell, init=init
  )
  readout = nn.Dense(1, kernel_init=init.linear, bias_init=init.bias)

  def init_params(key: Array) -> Params:
    k_coder, k_logit, k_critic = jax.random.split(key, 3)
    h = jnp.zeros((1, cell.width))
    return coder.init(k_coder) | {
      'logit': readout.init(k_logit, h)['params'],
      'critic': readout.init(k_critic, h)['params'],
    }

  def judge(
    params: Params, context: Array, tokens: Array, key: Array | None
  ) -> Judged:
    carry, encoded = coder.encode(params, context)
    _, outputs = unroll(
      lambda carry, x: coder.step(params, carry, x),
      carry,
      params['embed'][tokens],
    )
    before = jnp.concatenate([encoded[:, -1:], outputs[:, :-1]], axis=1)
    hidden = coder.combine(params, outputs, encoded)
    if key is not None:
      hidden = random.dropout(hidden, key, dropout)
    logits: Any = readout.apply({'params': params['logit']}, hidden)
    return Judged(logits[..., 0], before)

  def value(params: Params, before: Array) -> Array:
    fixed = jax.lax.stop_gradient(before)
    values: Any = readout.apply({'params': params['critic']}, fixed)
    return values[..., 0]

  return MaskedCritic(init_params, judge, value)
