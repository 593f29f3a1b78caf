"""GSGAN: an LSTM against an LSTM through Gumbel-Softmax samples.

Kusner and Hernandez-Lobato 2016: the first GAN on Gumbel-Softmax samples, with
the standard loss and a temperature tau = 1 / beta that is annealed towards
zero. The updates are those of RelGAN; D is an LSTM that judges its last state.
"""

from moegan_jax.errors import UserError
from moegan_jax.systems import relgan
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """GSGAN from the sections of a configuration.

  Raises:
    UserError: players that are not this paper's, or a value out of range.
  """
  if config.discriminator.kind != 'recurrent' or config.generator.experts != 1:
    raise UserError(
      'system=gsgan needs discriminator.kind=recurrent and generator.experts=1;'
      ' for others set system=relgan'
    )
  return relgan.build(config, spec)
