"""GSGAN: an LSTM against an LSTM through Gumbel-Softmax samples.

Source: Kusner and Hernández-Lobato 2016, "GANs for Sequences of Discrete
Elements with the Gumbel-softmax Distribution". It is the first GAN trained on
Gumbel-Softmax samples. It uses the standard loss and anneals the temperature
tau = 1 / beta towards zero. D is an LSTM whose last state gives the logit. The
updates are those of RelGAN.
"""

from moegan_jax.errors import UserError
from moegan_jax.systems import relgan
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds GSGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: other networks than those of the paper, or a value out of range.
  """
  if config.discriminator.kind != 'recurrent' or config.generator.experts != 1:
    raise UserError(
      'system=gsgan needs discriminator.kind=recurrent and '
      'generator.experts=1; for other networks set --config.system=relgan'
    )
  return relgan.build(config, spec)
