"""Builds the networks of MaskGAN from its sections of a configuration."""

from moegan_jax.errors import at_least
from moegan_jax.nets import masked
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.gated import lstm, stacked
from moegan_jax.nets.initializers import Initializers, initializers
from moegan_jax.types import Generator, Spec


def masked_generator(
  spec: Spec, *, embed: int, hidden: int, layers: int, init: str
) -> Generator:
  """Builds the generator of MaskGAN.

  Args:
    spec: the properties of the corpus
    embed: E
    hidden: H of encoder and decoder
    layers: their number of layers
    init: a key of nets.initializers.INITIALIZERS

  Raises:
    UserError: a value out of range.
  """
  inits = initializers(init)
  return masked.masked_generator(
    vocab_size=spec.vocab_size,
    length=spec.length,
    embed_dim=embed,
    cell=_layers('generator', embed, hidden, layers, inits),
    init=inits,
  )


def masked_critic(
  spec: Spec,
  *,
  embed: int,
  hidden: int,
  layers: int,
  init: str,
  dropout: float,
) -> masked.MaskedCritic:
  """Builds the discriminator of MaskGAN, with the networks of its generator.

  Args:
    spec: the properties of the corpus
    embed, hidden, layers, init: as in `masked_generator`
    dropout: dropout rate

  Raises:
    UserError: a value out of range.
  """
  inits = initializers(init)
  return masked.masked_critic(
    vocab_size=spec.vocab_size,
    embed_dim=embed,
    cell=_layers('discriminator', embed, hidden, layers, inits),
    dropout=dropout,
    init=inits,
  )


def _layers(
  section: str, embed: int, hidden: int, layers: int, inits: Initializers
) -> Cell:
  """Builds layers of LSTMs, and checks the sizes of a section."""
  sizes = {'embed': embed, 'hidden': hidden, 'layers': layers}
  for name, value in sizes.items():
    at_least(f'{section}.{name}', value, 1)
  return stacked(lstm(width=hidden, init=inits), layers, inits)
