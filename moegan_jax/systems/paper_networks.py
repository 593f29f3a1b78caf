"""Networks of single papers, from the sections of their configuration."""

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least
from moegan_jax.nets import masked
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.gated import lstm, stacked
from moegan_jax.nets.initializers import Initializers, initializers
from moegan_jax.nets.leaky import Leaky, leaky
from moegan_jax.types import Discriminator, Generator, Spec


def leaky_generator(
  spec: Spec,
  disc: Discriminator,
  *,
  embed: int,
  hidden: int,
  init: str,
  goal_size: int,
  step_size: int,
  padding: int,
  end_input: str = 'zero',
) -> Leaky:
  """Builds the generator of LeakGAN, which reads the features of D.

  Args:
    spec: the properties of the corpus
    disc: D
    embed: E
    hidden: H
    init: a key of nets.initializers.INITIALIZERS
    goal_size: k, numbers per word in the output of the worker
    step_size: c, steps for which a goal holds
    padding: id of the row in D's embedding that completes a prefix
    end_input: embedding of the end symbol, see `nets.recurrent.recurrent`

  Raises:
    UserError: a value out of range, or a D without features of prefixes.
  """
  for name, value in (
    ('embed', embed),
    ('hidden', hidden),
    ('goal_size', goal_size),
    ('step_size', step_size),
  ):
    at_least(f'generator.{name}', value, 1)
  if step_size > spec.length:
    raise UserError(
      f'generator.step_size={step_size} exceeds the length of the text, '
      f'{spec.length}; lower it'
    )
  if disc.prefixes is None:
    raise UserError(
      'discriminator.kind=recurrent has no features that a generator can read '
      'at each step; set --config.discriminator.kind=cnn'
    )

  def features(key):
    phi = disc.init(key)
    text = disc.embed(phi, jnp.zeros((1, spec.length), jnp.int32))
    return disc.judge(phi, text, None).features

  return leaky(
    disc.prefixes,
    vocab_size=spec.vocab_size,
    features=jax.eval_shape(features, jax.random.key(0)).size,
    embed_dim=embed,
    width=hidden,
    goal_size=goal_size,
    step_size=step_size,
    padding=padding,
    pad=spec.pad,
    end_input=end_input,
    init=initializers(init),
  )


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
