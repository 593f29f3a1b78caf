"""Networks from the sections `generator` and `discriminator`."""

from moegan_jax.errors import UserError, unknown
from moegan_jax.nets.cells import relational_memory
from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.gated import gru, lstm
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import mixture, recurrent
from moegan_jax.nets.recurrent_critic import recurrent_critic
from moegan_jax.types import Discriminator, Generator, Spec

GATED = {'lstm': lstm, 'gru': gru}


def generator(
  spec: Spec,
  *,
  cell: str,
  embed: int,
  init: str,
  hidden: int,
  experts: int,
  sharing: str,
  aggregation: str,
  latent: int = 0,
  prior: str = 'normal',
  end_input: str = 'zero',
  **memory,
) -> Generator:
  """A generator from the section `generator` of a configuration.

  Args:
    cell: 'rmc', 'lstm' or 'gru'
    hidden: H of lstm and gru
    memory: the sizes and switches of rmc, see `relational_memory`

  Raises:
    UserError: an unknown cell, or settings that do not fit.
  """
  inits = initializers(init)
  if embed < 1:
    raise UserError(f'generator.embed={embed} must be at least 1')
  if cell == 'rmc':
    core = relational_memory(**memory, init=inits)
  elif cell in GATED:
    core = GATED[cell](width=hidden, init=inits)
  else:
    raise unknown('generator.cell', cell, ('rmc', *GATED))
  expert = recurrent(
    core,
    vocab_size=spec.vocab_size,
    embed_dim=embed,
    init=inits,
    latent=latent,
    prior=prior,
    pad=spec.pad,
    end_input=end_input,
  )
  return mixture(
    expert, experts=experts, sharing=sharing, aggregation=aggregation
  )


def discriminator(
  spec: Spec,
  *,
  kind: str,
  embed: int,
  init: str,
  dropout: float,
  cell: str,
  hidden: int,
  per_token: bool,
  classifier: bool = True,
  reconstruction: int = 0,
  **convolution,
) -> Discriminator:
  """A discriminator from the section `discriminator` of a configuration.

  Args:
    kind: 'cnn', or 'recurrent' with the `cell`, `hidden` and `per_token`
    classifier: whether it says how real a text is; else it has features only
    reconstruction: size of the latent noise that a CNN says it has found
    convolution: the sizes and switches of the CNN, see `cnn`

  Raises:
    UserError: an unknown kind, or settings that do not fit.
  """
  shared = {
    'vocab_size': spec.vocab_size,
    'length': spec.length,
    'embed_dim': embed,
    'dropout': dropout,
    'classifier': classifier,
    'init': initializers(init),
  }
  if kind == 'cnn':
    return cnn(**shared, **convolution, reconstruction=reconstruction)
  if kind != 'recurrent':
    raise unknown('discriminator.kind', kind, ('cnn', 'recurrent'))
  if reconstruction:
    raise UserError(
      'discriminator.kind=recurrent has no reconstruction head; take cnn'
    )
  if cell not in GATED:
    raise unknown('discriminator.cell', cell, GATED)
  core = GATED[cell](width=hidden, init=shared['init'])
  return recurrent_critic(**shared, cell=core, per_token=per_token)
