"""A Transformer discriminator."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least
from moegan_jax.nets.embedding import embed, gram
from moegan_jax.nets.initializers import Initializers
from moegan_jax.ops.random import dropout as drop
from moegan_jax.types import Array, Critique, Discriminator, Params


class _Encoder(nn.Module):
  """Blocks of attention and MLP, mean over time, features and logit.

  Each part of a block reads its input after a layer norm and adds to it. All
  positions attend to all positions.

  Attributes:
    layers: number of blocks
    heads: attention heads
    features: F, outputs of the map of the mean; 0: no map
    dropout: share of the outputs of each part that is dropped
    classifier: whether there is a logit
    inits: initialisers
  """

  layers: int
  heads: int
  features: int
  dropout: float
  classifier: bool
  inits: Initializers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Critique:
    """Maps x [B, T, E] to logits [B] and features [B, 1, F]."""

    linear = self.inits.dense

    def norm(name):
      return nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, name=name)

    def dropped(x):
      if not train:
        return x
      return drop(x, self.make_rng('dropout'), self.dropout)

    _, length, width = x.shape
    shape = (length, width)
    x = x + self.param('positions', self.inits.embedding, shape)[None]
    for i in range(self.layers):
      attend = nn.MultiHeadDotProductAttention(
        self.heads,
        kernel_init=self.inits.linear,
        bias_init=self.inits.bias,
        name=f'attention_{i}',
      )
      x = x + dropped(attend(norm(f'attention_norm_{i}')(x)))
      h = nn.relu(linear(4 * width, f'mlp_{i}')(norm(f'mlp_norm_{i}')(x)))
      x = x + dropped(linear(width, f'mlp_out_{i}')(h))
    features = norm('norm')(x).mean(1)
    if self.features:
      features = linear(self.features, 'features')(features)
    logits = None
    if self.classifier:
      logits = linear(1, 'logit')(features)[:, 0]
    return Critique(logits, features[:, None])


def transformer_critic(
  *,
  vocab_size: int,
  length: int,
  embed_dim: int = 64,
  layers: int = 2,
  heads: int = 4,
  features: int = 100,
  dropout: float = 0.25,
  classifier: bool = True,
  init: Initializers,
) -> Discriminator:
  """Builds a Transformer discriminator over T tokens.

  Args:
    vocab_size: V
    length: T
    embed_dim: E, also the width of the blocks
    layers: number of blocks; the MLP of a block is 4 E wide
    heads: attention heads, a divisor of E
    features: F, outputs of a linear map of the mean over time; 0 uses the mean
    dropout: share of the outputs of attention and MLP that is dropped when
      `judge` gets a key
    classifier: whether the network has a logit
    init: initialisers

  Returns:
    A Discriminator with the groups 'embed' [V, E] and 'body'. The positions
    have a trained embedding [T, E].

  Raises:
    UserError: a value out of range, or heads that do not divide E.

  MoEGAN reports that a Transformer discriminator did not help (Appendix B),
  without its sizes. The block is that of Vaswani et al. 2017 with the norm
  first.
  """
  at_least('discriminator.layers', layers, 1)
  at_least('discriminator.features', features, 0)
  if heads < 1 or embed_dim % heads:
    raise UserError(
      f'discriminator.heads={heads} must divide discriminator.embed={embed_dim}'
    )
  if not 0 <= dropout < 1:
    raise UserError(f'discriminator.dropout={dropout} must be in [0, 1)')
  module = _Encoder(layers, heads, features, dropout, classifier, init)

  def init_params(key: Array) -> Params:
    k_embed, k_body = jax.random.split(key)
    x = jnp.zeros((1, length, embed_dim))
    return {
      'embed': init.embedding(k_embed, (vocab_size, embed_dim)),
      'body': module.init(k_body, x, False)['params'],
    }

  def judge(
    params: Params, embedded: Array, key: Array | None = None
  ) -> Critique:
    rngs = None if key is None else {'dropout': key}
    critique: Any = module.apply(
      {'params': params['body']}, embedded, key is not None, rngs=rngs
    )
    return critique

  return Discriminator(init_params, embed, judge, gram)
