"""GSGAN: an LSTM against an LSTM through Gumbel-Softmax rows.

Kusner and Hernandez-Lobato 2016: the first GAN to use the relaxation, with the
standard loss and a temperature tau = 1 / beta that is annealed towards zero.
The rules are those that RelGAN took over; what is this paper's own are the
players: D reads the rows with an LSTM and judges its last state.
"""

from moegan_jax.errors import UserError
from moegan_jax.systems import relgan
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """GSGAN from the sections of a configuration.

  Raises:
    UserError: players that are not this paper's.
  """
  if config.discriminator.kind != 'recurrent' or config.generator.experts != 1:
    raise UserError(
      'system=gsgan has discriminator.kind=recurrent and generator.experts=1; '
      'with others, set system=relgan'
    )
  return relgan.build(config, spec)
