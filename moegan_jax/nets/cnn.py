"""The multi-representation CNN discriminator of RelGAN, MoEGAN and CCL."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.nets.embedding import embed, gram
from moegan_jax.nets.initializers import Initializers
from moegan_jax.nets.prefix_features import prefix_features
from moegan_jax.ops.pooling import max_convolution
from moegan_jax.ops.random import dropout
from moegan_jax.types import Array, Critique, Discriminator, Params

# They must be monotone, because they are applied after the maximum over time.
ACTIVATIONS = {'relu': nn.relu, 'tanh': jnp.tanh}


class _TextCNN(nn.Module):
  """Filters over time, maximum, highway layer, dropout, features and logit.

  The embedding of size E is cut into S blocks, the representations. All of them
  go through the same filters, as in the code of RelGAN.

  Attributes:
    widths: width of each group of filters, in tokens
    filters: number of filters of each width
    representations: S, number of blocks of the embedding
    features: F, outputs of the map of the pooled filters; 0: no map
    activation: a key of ACTIVATIONS, applied to the filters
    highway: 'separate', 'tied' or 'none'
    dropout: share of highway outputs that are dropped
    classifier: whether there is a logit per representation
    reconstruction: Z, width of the estimate of the latent noise; 0: none
    inits: initialisers
  """

  widths: tuple[int, ...]
  filters: tuple[int, ...]
  representations: int
  features: int
  activation: str
  highway: str
  dropout: float
  classifier: bool
  reconstruction: int
  inits: Initializers

  @nn.compact
  def __call__(self, x: Array, train: bool) -> Critique:
    """Maps x [B, T, E] to logits [B, S] ([B] for S = 1) and features [B, S, F].

    With `reconstruction`, `aux` is the estimate of the latent noise, [B, Z].
    Instead of a text, x may be its pooled filters [B S, filters].
    """

    linear = self.inits.dense
    count = self.representations
    h = x if x.ndim == 2 else self._pool(x)
    batch = h.shape[0] // count
    if self.highway != 'none':
      if self.highway == 'tied':
        shared = linear(h.shape[-1], 'highway')(h)
        gate, candidate = shared, shared
      else:
        gate = linear(h.shape[-1], 'highway_gate', bias=False)(h)
        candidate = linear(h.shape[-1], 'highway', bias=False)(h)
      gate = nn.sigmoid(gate)
      h = gate * nn.relu(candidate) + (1 - gate) * h
    if train:
      h = dropout(h, self.make_rng('dropout'), self.dropout)

    features = linear(self.features, 'features')(h) if self.features else h
    logits = None
    if self.classifier:
      logits = linear(1, 'logit')(features)
      logits = logits.reshape((batch, count) if count > 1 else (batch,))
    features = features.reshape(batch, count, features.shape[-1])
    if not self.reconstruction:
      return Critique(logits, features)
    latent = linear(self.reconstruction, 'reconstruction')(features.mean(1))
    return Critique(logits, features, latent)

  def _pool(self, x: Array) -> Array:
    """Maps x [B, T, E] to the maxima of filters over time, [B S, filters]."""
    batch, length, embed = x.shape
    count, channels = self.representations, embed // self.representations
    # [B * S, T, E / S]: row-major over (batch, representation).
    x = x.reshape(batch, length, count, channels)
    x = jnp.swapaxes(x, 1, 2).reshape(batch * count, length, channels)
    activation = ACTIVATIONS[self.activation]
    pooled = []
    for width, filters in zip(self.widths, self.filters, strict=True):
      kernel = self.param(
        f'kernel_{width}',
        self.inits.convolution,
        (width, channels, filters),
      )
      bias = self.param(f'bias_{width}', self.inits.bias, (filters,))
      # Bias and monotone activation commute with the maximum over time.
      pooled.append(activation(max_convolution(x, kernel) + bias[None]))
    return jnp.concatenate(pooled, axis=-1)


def cnn(
  *,
  vocab_size: int,
  length: int,
  embed_dim: int = 64,
  widths: tuple[int, ...] = (2, 3, 4, 5),
  filters: int | tuple[int, ...] = 300,
  representations: int = 1,
  features: int = 100,
  activation: str = 'relu',
  highway: str = 'separate',
  dropout: float = 0.25,
  classifier: bool = True,
  reconstruction: int = 0,
  init: Initializers,
) -> Discriminator:
  """Builds a CNN discriminator over T tokens (MoEGAN section 4 and Appendix A).

  Args:
    vocab_size: V
    length: T; filters must not be wider
    embed_dim: E
    widths: widths of the filters, in tokens
    filters: number of filters of each width, one number for all widths or one
      number per width (SeqGAN)
    representations: S; must divide embed_dim
    features: F, outputs of a linear map of the pooled filters; 0 uses the
      pooled filters themselves (TextGAN)
    activation: of the filters, 'relu' or 'tanh' (TextGAN)
    highway: 'separate' has transform and gate matrices without bias (SeqGAN,
      RelGAN), 'tied' one linear map with bias for both (TextGAN-PyTorch), and
      'none' no highway layer
    dropout: share of highway outputs that is dropped when `judge` gets a key
    classifier: whether the network has a logit (FM-GAN has none)
    reconstruction: Z, width of a second head that predicts the latent noise of
      a sample from its features (TextGAN); 0 for none
    init: initialisers

  Returns:
    A Discriminator.

  Raises:
    UserError: settings that are out of range or incompatible.
  """
  if highway not in ('separate', 'tied', 'none'):
    raise unknown(
      'discriminator.highway', highway, ('separate', 'tied', 'none')
    )
  if activation not in ACTIVATIONS:
    raise unknown('discriminator.activation', activation, ACTIVATIONS)
  if representations < 1 or embed_dim % representations:
    raise UserError(
      f'discriminator.representations={representations} must divide '
      f'discriminator.embed={embed_dim}'
    )
  counts = (filters,) if isinstance(filters, int) else tuple(filters)
  if len(counts) not in (1, len(widths)):
    raise UserError(
      f'discriminator.filters={counts} has {len(counts)} numbers for '
      f'{len(widths)} widths; give one number, or one per width'
    )
  if min(counts) < 1:
    raise UserError(f'discriminator.filters={filters} must be at least 1')
  at_least('discriminator.features', features, 0)
  if not 0 <= dropout < 1:
    raise UserError(f'discriminator.dropout={dropout} must be in [0, 1)')
  if not widths or min(widths) < 1 or max(widths) > length:
    raise UserError(
      f'discriminator.widths={tuple(widths)} do not fit sequences of length '
      f'{length}: each filter must be between 1 and {length} wide'
    )
  module = _TextCNN(
    widths=tuple(widths),
    filters=counts if len(counts) == len(widths) else counts * len(widths),
    representations=representations,
    features=features,
    activation=activation,
    highway=highway,
    dropout=dropout,
    classifier=classifier,
    reconstruction=reconstruction,
    inits=init,
  )

  def init_params(key: Array):
    k_embed, k_body = jax.random.split(key)
    x = jnp.zeros((1, length, embed_dim))
    return {
      'embed': init.embedding(k_embed, (vocab_size, embed_dim)),
      'body': module.init(k_body, x, False)['params'],
    }

  def judge(params, embedded: Array, key: Array | None = None) -> Critique:
    rngs = None if key is None else {'dropout': key}
    critique: Any = module.apply(
      {'params': params['body']}, embedded, key is not None, rngs=rngs
    )
    return critique

  # Without its heads, it needs no parameters of theirs.
  features_only = module.clone(classifier=False, reconstruction=0)

  def features_of(body: Params, pooled: Array) -> Array:
    critique: Any = features_only.apply({'params': body}, pooled, False)
    return critique.features

  prefixes = prefix_features(
    widths=module.widths,
    filters=module.filters,
    representations=representations,
    length=length,
    activation=ACTIVATIONS[activation],
    head=features_of,
  )
  return Discriminator(init_params, embed, judge, gram, prefixes)
