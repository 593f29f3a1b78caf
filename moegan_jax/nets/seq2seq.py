"""The sequence generator G_d of SLGAN, which rewrites sentences.

It maps a sentence to a word distribution at every position.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.nets.gated import gru
from moegan_jax.nets.initializers import Initializers
from moegan_jax.ops.recurrence import unroll
from moegan_jax.types import Array, Params


class Rewriting(NamedTuple):
  """The output of a rewriter for sentences of T tokens.

  Attributes:
    logits: [B, T, V]
    encoded: [B, T, H], the outputs of the encoder
    attention: [B, T, T], the weight of each input position (last axis) at each
      step of the decoder; rows sum to one
  """

  logits: Array
  encoded: Array
  attention: Array

  @property
  def features(self) -> Array:
    """The mean of the encoder outputs over time, [B, 1, H]."""
    return self.encoded.mean(1, keepdims=True)


class SequenceRewriter(NamedTuple):
  """A rewriter of sentences as pure functions.

  Attributes:
    init: key -> params
    rewrite: (params, tokens int [B, T]) -> Rewriting
    vocab_size: V, output classes; the input embedding has two more rows, as in
      `types.Generator`
  """

  init: Callable[[Array], Params]
  rewrite: Callable[[Params, Array], Rewriting]
  vocab_size: int

  @property
  def start(self) -> int:
    return self.vocab_size

  @property
  def unknown(self) -> int:
    """The id that replaces a word when the input is corrupted."""
    return self.vocab_size + 1


def attend(queries: Array, memory: Array, kernel: Array) -> tuple[Array, Array]:
  """Applies Luong's global attention with the score 'general'.

  Args:
    queries: [B, T, H], the outputs of the decoder
    memory: [B, S, H], the outputs of the encoder
    kernel: W [H, H]

  Returns:
    The contexts [B, T, H], weighted means of the memory, and the weights
    [B, T, S].

  weights_ts = softmax_s(queries_t W memory_s) (Luong et al. 2015, Eq 7 and 8).
  No position is masked, because padding is treated as a word.
  """
  scores = jnp.einsum('bth,hk,bsk->bts', queries, kernel, memory)
  weights = jax.nn.softmax(scores)
  return jnp.einsum('bts,bsh->bth', weights, memory), weights


def seq2seq(
  *, vocab_size: int, embed_dim: int, width: int, init: Initializers
) -> SequenceRewriter:
  """Builds a GRU encoder and decoder with Luong attention, G_d of SLGAN.

  Args:
    vocab_size: V
    embed_dim: E
    width: H
    init: initialisers

  Returns:
    A SequenceRewriter. Its parameters are a dict of 'embed' [V + 2, E], which
    encoder and decoder share, 'encoder_input', 'encoder', 'decoder_input',
    'decoder', 'score' [H, H], 'combine' [2 H, H] and 'head' (H -> V).

  Raises:
    UserError: a size below one.

  The encoder reads the sentence from left to right. The decoder starts from the
  last state of the encoder. Its inputs are the start symbol and then the same
  sentence, shifted by one step. With h_t the output of the decoder and c_t its
  context, the logits are an affine map of tanh(W [c_t, h_t]) (Luong et al.
  2015, Eq 5 and 6).

  Luong's input feeding, which feeds the attention of the previous step, is left
  out. All T steps can then attend at once, outside of the scan.
  """
  sizes = {'embed': embed_dim, 'hidden': width}
  for name, value in sizes.items():
    if value < 1:
      raise UserError(f'discriminator.{name}={value} must be at least 1')
  cell = gru(width=width, init=init)
  project = nn.Dense(
    cell.input_width, kernel_init=init.linear, bias_init=init.bias
  )
  combine = nn.Dense(width, use_bias=False, kernel_init=init.linear)
  head = nn.Dense(vocab_size, kernel_init=init.linear, bias_init=init.bias)

  def init_params(key: Array) -> Params:
    keys = iter(jax.random.split(key, 8))
    x = jnp.zeros((1, embed_dim))
    h, u = cell.initial(1), jnp.zeros((1, cell.input_width))
    both = jnp.zeros((1, 2 * width))
    return {
      'embed': init.embedding(next(keys), (vocab_size + 2, embed_dim)),
      'encoder_input': project.init(next(keys), x)['params'],
      'encoder': cell.module.init(next(keys), h, u)['params'],
      'decoder_input': project.init(next(keys), x)['params'],
      'decoder': cell.module.init(next(keys), h, u)['params'],
      'score': init.linear(next(keys), (width, width)),
      'combine': combine.init(next(keys), both)['params'],
      'head': head.init(next(keys), h)['params'],
    }

  def run(params: Params, name: str, carry: Array, tokens: Array):
    u = project.apply(
      {'params': params[f'{name}_input']}, params['embed'][tokens]
    )
    return unroll(
      lambda h, u: cell.module.apply({'params': params[name]}, h, u), carry, u
    )

  def rewrite(params: Params, tokens: Array) -> Rewriting:
    chex.assert_rank(tokens, 2)
    chex.assert_type(tokens, int)
    shifted = jnp.pad(
      tokens[:, :-1], ((0, 0), (1, 0)), constant_values=vocab_size
    )
    first = cell.initial(tokens.shape[0])
    last, encoded = run(params, 'encoder', first, tokens)
    _, decoded = run(params, 'decoder', last, shifted)
    contexts, attention = attend(decoded, encoded, params['score'])
    both = jnp.concatenate([contexts, decoded], axis=-1)
    combined: Any = combine.apply({'params': params['combine']}, both)
    hidden = jnp.tanh(combined)
    logits: Any = head.apply({'params': params['head']}, hidden)
    return Rewriting(logits, encoded, attention)

  return SequenceRewriter(init_params, rewrite, vocab_size)
